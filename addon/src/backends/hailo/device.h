#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/hailo/notices.h"
#include "backends/hailo/status.h"

namespace hailstream::hailo {

struct DeviceOptions {
  /** Processes that name the same group share the device; `UNIQUE` shuts all others out. */
  std::string group = "SHARED";
  /** Device ids as HailoRT writes them (`0001:01:00.0`); empty takes the first that is free. */
  std::vector<std::string> ids;
};

/** What the device says of itself; what a board or release cannot tell is left out. */
struct Health {
  std::string id;
  std::string architecture;
  std::string board;
  std::string serial;
  std::string firmware;
  /** °C. */
  std::optional<float> temperature;
  /** W. */
  std::optional<float> power;
  /** 0 to 100. */
  std::optional<float> cpuPercent;
  std::optional<float> corePercent;
  std::optional<std::int64_t> memoryTotalBytes;
  std::optional<std::int64_t> memoryUsedBytes;
};

/** The library that was loaded, as `5.2.0`. Throws `unavailable` when it is not of the release that we were built for.
 */
std::string checkLibrary();

/**
 * The accelerator, shared with other processes. Calls block, up to 10 s: they belong on a thread of their own. HailoRT
 * copies the pointers of its parameters, so that the strings and ids live here, beside the VDevice.
 */
class Device {
 public:
  explicit Device(DeviceOptions options);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /** What models are made on; they keep it, since it must outlive them. Throws `closed`. */
  std::shared_ptr<hailort::VDevice> virtualDevice() const;
  Health health() const;
  Notices& notices() { return *notices_; }

  /** Something of HailoRT's could not be ended and was left as it is: only a new process clears that. */
  void markBroken() { broken_ = true; }
  bool mustRecycle() const { return broken_; }

  /** Lets the device go; open models keep it until they close. */
  void close();

 private:
  hailo_vdevice_params_t parameters();
  void listen();

  DeviceOptions options_;
  std::vector<hailo_device_id_t> ids_;
  std::shared_ptr<Notices> notices_ = std::make_shared<Notices>();
  std::shared_ptr<hailort::VDevice> device_;
  std::atomic<bool> broken_ = false;
};

}  // namespace hailstream::hailo
