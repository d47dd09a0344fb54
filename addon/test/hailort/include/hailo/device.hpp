#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hailo/hailort.h"
#include "hailo/hef.hpp"

namespace hailort {

class Device;
/** Called on the message-loop thread: it must not block and not call the library. */
using NotificationCallback =
    std::function<void(Device& device, const hailo_notification_t& notification, void* opaque)>;

class HAILORTAPI Device {
 public:
  enum class Type { PCIE = 0, ETH, INTEGRATED };
  struct Capabilities {
    bool power_measurements;
    bool current_measurements;
    bool temperature_measurements;
  };

  static Expected<std::vector<std::string>> scan();
  static Expected<std::unique_ptr<Device>> create();
  static Expected<std::unique_ptr<Device>> create(const std::string& device_id);
  static Expected<Type> get_device_type(const std::string& device_id);
  static bool device_ids_equal(const std::string& first, const std::string& second);

  virtual Expected<size_t> fetch_logs(MemoryView buffer, hailo_log_type_t log_type) = 0;
  Expected<size_t> get_max_logs_size(hailo_log_type_t log_type);
  virtual Expected<hailo_device_identity_t> identify() = 0;
  virtual Expected<hailo_extended_device_information_t> get_extended_device_information() = 0;
  virtual Expected<float32_t> power_measurement(hailo_dvm_options_t dvm,
                                                hailo_power_measurement_types_t measurement_type) = 0;
  virtual hailo_status start_power_measurement(hailo_averaging_factor_t averaging_factor,
                                               hailo_sampling_period_t sampling_period) = 0;
  virtual hailo_status set_power_measurement(hailo_measurement_buffer_index_t buffer_index, hailo_dvm_options_t dvm,
                                             hailo_power_measurement_types_t measurement_type) = 0;
  virtual Expected<hailo_power_measurement_data_t> get_power_measurement(hailo_measurement_buffer_index_t buffer_index,
                                                                         bool should_clear) = 0;
  virtual hailo_status stop_power_measurement() = 0;
  virtual Expected<hailo_chip_temperature_info_t> get_chip_temperature() = 0;
  virtual Expected<hailo_health_stats_t> query_health_stats() = 0;
  virtual Expected<hailo_performance_stats_t> query_performance_stats() = 0;
  virtual hailo_status reset(hailo_reset_device_mode_t mode) = 0;
  virtual hailo_status set_notification_callback(const NotificationCallback& func,
                                                 hailo_notification_id_t notification_id, void* opaque = nullptr) = 0;
  virtual hailo_status remove_notification_callback(hailo_notification_id_t notification_id) = 0;
  virtual Expected<hailo_device_architecture_t> get_architecture() const = 0;
  Type get_type() const;
  virtual const char* get_dev_id() const = 0;
  Expected<Capabilities> get_capabilities();

  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  Device(Device&&) = delete;
  Device& operator=(Device&&) = delete;

 protected:
  Device(Type type);
  Type m_type;
};

}  // namespace hailort
