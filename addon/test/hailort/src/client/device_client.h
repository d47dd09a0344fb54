#pragma once

#include <map>
#include <mutex>

#include "client/link.h"
#include "hailo/device.hpp"

namespace hailort {

/** The device behind a link: of its own, or of a VDevice. */
class StandinDevice : public Device {
 public:
  explicit StandinDevice(std::shared_ptr<standin::Link> link);
  ~StandinDevice() override;

  /** Handles an event of the link; true when it was a notification. */
  bool handle(const standin::Json& event);

  Expected<size_t> fetch_logs(MemoryView buffer, hailo_log_type_t log_type) override;
  Expected<hailo_device_identity_t> identify() override;
  Expected<hailo_extended_device_information_t> get_extended_device_information() override;
  Expected<float32_t> power_measurement(hailo_dvm_options_t dvm, hailo_power_measurement_types_t type) override;
  hailo_status start_power_measurement(hailo_averaging_factor_t factor, hailo_sampling_period_t period) override;
  hailo_status set_power_measurement(hailo_measurement_buffer_index_t index, hailo_dvm_options_t dvm,
                                     hailo_power_measurement_types_t type) override;
  Expected<hailo_power_measurement_data_t> get_power_measurement(hailo_measurement_buffer_index_t index,
                                                                 bool should_clear) override;
  hailo_status stop_power_measurement() override;
  Expected<hailo_chip_temperature_info_t> get_chip_temperature() override;
  Expected<hailo_health_stats_t> query_health_stats() override;
  Expected<hailo_performance_stats_t> query_performance_stats() override;
  hailo_status reset(hailo_reset_device_mode_t mode) override;
  hailo_status set_notification_callback(const NotificationCallback& func, hailo_notification_id_t id,
                                         void* opaque) override;
  hailo_status remove_notification_callback(hailo_notification_id_t id) override;
  Expected<hailo_device_architecture_t> get_architecture() const override;
  const char* get_dev_id() const override;

 private:
  struct Listener {
    NotificationCallback callback;
    void* opaque;
  };

  Expected<standin::Json> ask(const std::string& what);

  std::shared_ptr<standin::Link> link_;
  std::mutex mutex_;
  std::map<int, Listener> listeners_;
};

}  // namespace hailort
