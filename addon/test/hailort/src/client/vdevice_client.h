#pragma once

#include <map>
#include <mutex>

#include "client/device_client.h"
#include "client/link.h"
#include "hailo/vdevice.hpp"

namespace hailort {

class StandinConfiguredModel;

/** Memory that was mapped for transfers, by address. Shared with the models, which look at it for every frame. */
class Mappings {
 public:
  hailo_status add(const void* address, size_t size);
  hailo_status remove(const void* address);
  bool covers(const void* address, size_t size) const;

 private:
  mutable std::mutex mutex_;
  std::map<const std::byte*, size_t> all_;
};

/** Configured models by the device's number, so that a fault on command reaches them. */
class FaultedRuns {
 public:
  void set(int configured, hailo_status status);
  /** The status with which the next run must fail, once. */
  hailo_status take(int configured);

 private:
  std::mutex mutex_;
  std::map<int, hailo_status> all_;
};

class StandinVDevice : public VDevice {
 public:
  static Expected<std::unique_ptr<VDevice>> open(const hailo_vdevice_params_t& params);
  StandinVDevice(const hailo_vdevice_params_t& params, std::shared_ptr<standin::Link> link);
  ~StandinVDevice() override;

  Expected<std::shared_ptr<InferModel>> create_infer_model(const std::string& hef_path,
                                                           const std::string& name) override;
  Expected<std::shared_ptr<InferModel>> create_infer_model(const MemoryView hef_buffer,
                                                           const std::string& name) override;
  Expected<std::shared_ptr<InferModel>> create_infer_model(std::shared_ptr<Buffer> hef_buffer,
                                                           const std::string& name) override;
  Expected<std::shared_ptr<InferModel>> create_infer_model(Hef hef, const std::string& name) override;
  Expected<std::vector<std::reference_wrapper<Device>>> get_physical_devices() const override;
  Expected<std::vector<std::string>> get_physical_devices_ids() const override;
  hailo_status dma_map(void* address, size_t size, hailo_dma_buffer_direction_t direction) override;
  hailo_status dma_unmap(void* address, size_t size, hailo_dma_buffer_direction_t direction) override;
  hailo_status dma_map_dmabuf(int dmabuf_fd, size_t size, hailo_dma_buffer_direction_t direction) override;
  hailo_status dma_unmap_dmabuf(int dmabuf_fd, size_t size, hailo_dma_buffer_direction_t direction) override;

 private:
  Expected<std::shared_ptr<InferModel>> load(const std::string& network, size_t bytes, Expected<Hef> hef);

  std::shared_ptr<standin::Link> link_;
  std::shared_ptr<Mappings> mappings_ = std::make_shared<Mappings>();
  std::shared_ptr<FaultedRuns> faults_ = std::make_shared<FaultedRuns>();
  std::unique_ptr<StandinDevice> device_;
};

}  // namespace hailort

namespace standin {

/** 0 when `params` name the device that is there; else what HailoRT says of them. */
hailo_status checkParams(const hailo_vdevice_params_t& params);

}  // namespace standin
