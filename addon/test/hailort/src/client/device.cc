#include "hailo/device.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "client/device_client.h"
#include "client/environment.h"

namespace hailort {
namespace {

using standin::Json;

/** The only notifications that a Hailo-10H has. */
constexpr std::array supported = {
    HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM, HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM,
    HAILO_NOTIFICATION_ID_NN_CORE_CRC_ERROR_EVENT, HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT};

bool isSupported(hailo_notification_id_t id) {
  return std::ranges::find(supported, id) != supported.end();
}

hailo_notification_t toNotification(const Json& event) {
  hailo_notification_t notification{};
  notification.id = static_cast<hailo_notification_id_t>(event["number"].integer());
  notification.sequence = static_cast<std::uint32_t>(event["sequence"].integer());
  const auto celsius = static_cast<float>(event["celsius"].number());
  if (notification.id == HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM) {
    notification.body.health_monitor_temperature_alarm_notification = {
        static_cast<hailo_temperature_protection_temperature_zone_t>(event["zone"].integer()), 0, celsius, celsius};
  } else if (notification.id == HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT) {
    notification.body.throttling_state_change = {static_cast<std::uint16_t>(event["state"].integer())};
  } else if (notification.id == HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM) {
    notification.body.health_monitor_overcurrent_alert_notification = {
        HAILO_OVERCURRENT_PROTECTION_OVERCURRENT_ZONE__RED, 2500, false};
  }
  return notification;
}

template <std::size_t size>
std::uint8_t copyText(char (&to)[size], const char* from) {
  return static_cast<std::uint8_t>(std::min<int>(std::snprintf(to, size, "%s", from), size - 1));
}

}  // namespace

Device::Device(Type type) : m_type(type) {}

Device::Type Device::get_type() const {
  return m_type;
}

Expected<std::vector<std::string>> Device::scan() {
  if (standin::socketPath().empty()) return std::vector<std::string>();
  return std::vector<std::string>{standin::deviceId};
}

Expected<std::unique_ptr<Device>> Device::create() {
  if (standin::socketPath().empty()) return make_unexpected(HAILO_INVALID_OPERATION);
  return create(standin::deviceId);
}

Expected<std::unique_ptr<Device>> Device::create(const std::string& device_id) {
  if (standin::socketPath().empty() || device_id != standin::deviceId) return make_unexpected(HAILO_INVALID_ARGUMENT);
  auto link = standin::Link::open();
  if (!link) return make_unexpected(link.status());
  auto device = std::make_unique<StandinDevice>(link.value());
  link.value()->onEvent([raw = device.get()](const Json& event) { raw->handle(event); });
  return std::unique_ptr<Device>(std::move(device));
}

Expected<Device::Type> Device::get_device_type(const std::string& device_id) {
  // HailoRT tells them apart by their form: an IPv4 address has no colon.
  return device_id.find(':') == std::string::npos ? Type::ETH : Type::PCIE;
}

bool Device::device_ids_equal(const std::string& first, const std::string& second) {
  return first == second;
}

Expected<Device::Capabilities> Device::get_capabilities() {
  return Capabilities{false, false, true};
}

Expected<size_t> Device::get_max_logs_size(hailo_log_type_t) {
  return size_t{512 * 1024};
}

StandinDevice::StandinDevice(std::shared_ptr<standin::Link> link) : Device(Type::PCIE), link_(std::move(link)) {}

StandinDevice::~StandinDevice() {
  link_->onEvent({});
}

bool StandinDevice::handle(const Json& event) {
  if (event["event"].string() != "notification") return false;
  const auto notification = toNotification(event);
  std::unique_lock lock(mutex_);
  const auto found = listeners_.find(notification.id);
  if (found == listeners_.end()) return true;
  const auto listener = found->second;
  lock.unlock();
  listener.callback(*this, notification, listener.opaque);
  return true;
}

Expected<Json> StandinDevice::ask(const std::string& what) {
  return link_->request(Json::Object{{"do", "ask"}, {"what", what}});
}

Expected<size_t> StandinDevice::fetch_logs(MemoryView buffer, hailo_log_type_t) {
  const auto answer = ask("logs");
  if (!answer) return make_unexpected(answer.status());
  const auto text = (*answer)["text"].string();
  if (buffer.size() < text.size()) return make_unexpected(HAILO_INSUFFICIENT_BUFFER);
  std::memcpy(buffer.data(), text.data(), text.size());
  return text.size();
}

Expected<hailo_device_identity_t> StandinDevice::identify() {
  if (const auto answer = ask("identity"); !answer) return make_unexpected(answer.status());
  hailo_device_identity_t identity{};
  identity.protocol_version = 2;
  identity.fw_version = {5, 2, 0};
  identity.is_release = true;
  identity.device_architecture = HAILO_ARCH_HAILO10H;
  identity.board_name_length = copyText(identity.board_name, "Hailo-10H stand-in");
  identity.serial_number_length = copyText(identity.serial_number, "STANDIN0001");
  identity.part_number_length = copyText(identity.part_number, "STANDIN");
  identity.product_name_length = copyText(identity.product_name, "HAILO-10H SIMULATED BY A STAND-IN");
  return identity;
}

Expected<hailo_extended_device_information_t> StandinDevice::get_extended_device_information() {
  if (const auto answer = ask("identity"); !answer) return make_unexpected(answer.status());
  hailo_extended_device_information_t information{};
  information.neural_network_core_clock_rate = 800'000'000;
  information.boot_source = HAILO_DEVICE_BOOT_SOURCE_PCIE;
  information.supported_features.pcie = true;
  return information;
}

// The board has no power sensor, as boards that users met.
Expected<float32_t> StandinDevice::power_measurement(hailo_dvm_options_t, hailo_power_measurement_types_t) {
  return make_unexpected(HAILO_OPEN_FILE_FAILURE);
}

hailo_status StandinDevice::start_power_measurement(hailo_averaging_factor_t, hailo_sampling_period_t) {
  return HAILO_OPEN_FILE_FAILURE;
}

hailo_status StandinDevice::set_power_measurement(hailo_measurement_buffer_index_t, hailo_dvm_options_t,
                                                  hailo_power_measurement_types_t) {
  return HAILO_OPEN_FILE_FAILURE;
}

Expected<hailo_power_measurement_data_t> StandinDevice::get_power_measurement(hailo_measurement_buffer_index_t, bool) {
  return make_unexpected(HAILO_OPEN_FILE_FAILURE);
}

hailo_status StandinDevice::stop_power_measurement() {
  return HAILO_OPEN_FILE_FAILURE;
}

Expected<hailo_chip_temperature_info_t> StandinDevice::get_chip_temperature() {
  const auto answer = ask("temperature");
  if (!answer) return make_unexpected(answer.status());
  const auto celsius = static_cast<float>((*answer)["celsius"].number());
  return hailo_chip_temperature_info_t{celsius, celsius, 1};
}

Expected<hailo_health_stats_t> StandinDevice::query_health_stats() {
  const auto answer = ask("temperature");
  if (!answer) return make_unexpected(answer.status());
  return hailo_health_stats_t{static_cast<float>((*answer)["celsius"].number()), 800, 0};
}

Expected<hailo_performance_stats_t> StandinDevice::query_performance_stats() {
  const auto answer = ask("performance");
  if (!answer) return make_unexpected(answer.status());
  const Json& figures = *answer;
  return hailo_performance_stats_t{static_cast<float>(figures["cpu"].number()),
                                   figures["ramTotal"].integer(),
                                   figures["ramUsed"].integer(),
                                   static_cast<float>(figures["core"].number()),
                                   -1,
                                   0};
}

hailo_status StandinDevice::reset(hailo_reset_device_mode_t mode) {
  const bool known = mode == HAILO_RESET_DEVICE_MODE_CHIP || mode == HAILO_RESET_DEVICE_MODE_REBOOT;
  return known ? ask("reset").status() : HAILO_NOT_SUPPORTED;
}

hailo_status StandinDevice::set_notification_callback(const NotificationCallback& func, hailo_notification_id_t id,
                                                      void* opaque) {
  if (!func) return HAILO_INVALID_ARGUMENT;
  if (!isSupported(id)) return HAILO_NOT_IMPLEMENTED;
  const std::lock_guard lock(mutex_);
  listeners_[id] = {func, opaque};
  return HAILO_SUCCESS;
}

hailo_status StandinDevice::remove_notification_callback(hailo_notification_id_t id) {
  if (!isSupported(id)) return HAILO_NOT_IMPLEMENTED;
  const std::lock_guard lock(mutex_);
  listeners_.erase(id);
  return HAILO_SUCCESS;
}

Expected<hailo_device_architecture_t> StandinDevice::get_architecture() const {
  return hailo_device_architecture_t{HAILO_ARCH_HAILO10H};
}

const char* StandinDevice::get_dev_id() const {
  return standin::deviceId;
}

}  // namespace hailort
