#include "backends/hailo/device.h"

#include <algorithm>
#include <cstring>

namespace hailstream::hailo {
namespace {

std::string versionText(std::uint32_t major, std::uint32_t minor, std::uint32_t revision) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(revision);
}

hailo_device_id_t toId(const std::string& text) {
  hailo_device_id_t id{};
  if (text.size() >= sizeof(id.id))
    throw Error(ErrorCode::invalid, "Expected a device id of at most " + std::to_string(sizeof(id.id) - 1) +
                                        " bytes, received " + std::to_string(text.size()));
  std::memcpy(id.id, text.data(), text.size());
  return id;
}

const char* spell(hailo_device_architecture_t architecture) {
  switch (architecture) {
    case HAILO_ARCH_HAILO8_A0:
    case HAILO_ARCH_HAILO8:
      return "hailo8";
    case HAILO_ARCH_HAILO8L:
      return "hailo8l";
    case HAILO_ARCH_HAILO15H:
      return "hailo15h";
    case HAILO_ARCH_HAILO15L:
      return "hailo15l";
    case HAILO_ARCH_HAILO15M:
      return "hailo15m";
    case HAILO_ARCH_HAILO10H:
      return "hailo10h";
    default:
      return "unknown";
  }
}

/** Text of a field that says its length, in case it is not ended by a zero. */
template <std::size_t size>
std::string textOf(const char (&field)[size], std::size_t length) {
  return std::string(field, strnlen(field, std::min(size, length)));
}

/** The value where the board can tell it; loss of the device is thrown, all else (no sensor, not on this chip) is not.
 */
template <typename Value>
std::optional<Value> ifKnown(hailort::Expected<Value>&& result, const char* expected) {
  if (result) return result.release();
  if (meansLost(result.status())) throw errorOf(result.status(), expected);
  return std::nullopt;
}

template <typename Number>
std::optional<Number> ifAvailable(Number value) {
  return value < 0 ? std::nullopt : std::optional(value);
}

void identify(hailort::Device& device, Health& health) {
  const auto identity = take(device.identify(), "the device to identify itself");
  health.id = device.get_dev_id();
  health.architecture = spell(identity.device_architecture);
  health.board = textOf(identity.board_name, identity.board_name_length);
  health.serial = textOf(identity.serial_number, identity.serial_number_length);
  const auto& firmware = identity.fw_version;
  health.firmware = versionText(firmware.major, firmware.minor, firmware.revision);
}

void measure(hailort::Device& device, Health& health) {
  if (const auto read = ifKnown(device.get_chip_temperature(), "the chip's temperature"))
    health.temperature = std::max(read->ts0_temperature, read->ts1_temperature);
  health.power = ifKnown(device.power_measurement(HAILO_DVM_OPTIONS_AUTO, HAILO_POWER_MEASUREMENT_TYPES__POWER),
                         "the board's power");
}

void measureLoad([[maybe_unused]] hailort::Device& device, [[maybe_unused]] Health& health) {
#if HAILSTREAM_HAILORT_VERSION >= 42100
  constexpr std::int64_t kib = 1024;
  const auto load = ifKnown(device.query_performance_stats(), "the device's load");
  if (!load) return;
  health.cpuPercent = ifAvailable(load->cpu_utilization);
  health.corePercent = ifAvailable(load->nnc_utilization);
  if (load->ram_size_total >= 0) health.memoryTotalBytes = load->ram_size_total * kib;
  if (load->ram_size_used >= 0) health.memoryUsedBytes = load->ram_size_used * kib;
#endif
}

/** None for what we did not ask for. */
std::optional<Notice> toNotice(const hailo_notification_t& told) {
  switch (told.id) {
    case HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM: {
      const auto& alarm = told.body.health_monitor_temperature_alarm_notification;
      return Notice{"temperature-alarm", std::max(alarm.ts0_temperature, alarm.ts1_temperature)};
    }
    case HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM:
      return Notice{"overcurrent-alarm",
                    told.body.health_monitor_overcurrent_alert_notification.exceeded_alert_threshold};
#if HAILSTREAM_HAILORT_VERSION >= 50101
    case HAILO_NOTIFICATION_ID_NN_CORE_CRC_ERROR_EVENT:
      return Notice{"core-crc-error", 0};
#endif
#if HAILSTREAM_HAILORT_VERSION >= 50200
    case HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT:
      return Notice{"throttling", static_cast<float>(told.body.throttling_state_change.new_state)};
#endif
    default:
      return std::nullopt;
  }
}

constexpr hailo_notification_id_t wanted[] = {
    HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM,
    HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM,
#if HAILSTREAM_HAILORT_VERSION >= 50101
    HAILO_NOTIFICATION_ID_NN_CORE_CRC_ERROR_EVENT,
#endif
#if HAILSTREAM_HAILORT_VERSION >= 50200
    HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT,
#endif
};

}  // namespace

std::string checkLibrary() {
  hailo_version_t version{};
  require(hailo_get_library_version(&version), "libhailort to tell its version");
  const std::string text = versionText(version.major, version.minor, version.revision);
  constexpr std::uint32_t built = HAILSTREAM_HAILORT_VERSION;
  if (version.major * 10000 + version.minor * 100 + version.revision == built) return text;
  throw Error(ErrorCode::unavailable, "Expected libhailort " +
                                          versionText(built / 10000, built / 100 % 100, built % 100) +
                                          ", for which the addon was built, received " + text + ". Run: npm run setup");
}

Device::Device(DeviceOptions options) : options_(std::move(options)) {
  checkLibrary();
  for (const auto& id : options_.ids) ids_.push_back(toId(id));
  // Not create_shared, which came with 4.21.
  device_ = take(hailort::VDevice::create(parameters()),
                 "a Hailo device for the group " + options_.group + " (absent, or held by another process alone)");
  listen();
}

hailo_vdevice_params_t Device::parameters() {
  auto parameters = hailort::HailoRTDefaults::get_vdevice_params();
  parameters.scheduling_algorithm = HAILO_SCHEDULING_ALGORITHM_ROUND_ROBIN;
  parameters.group_id = options_.group.c_str();
  parameters.multi_process_service = false;
  if (ids_.empty()) return parameters;
  parameters.device_ids = ids_.data();
  parameters.device_count = static_cast<std::uint32_t>(ids_.size());
  return parameters;
}

void Device::listen() {
  for (hailort::Device& device : take(device_->get_physical_devices(), "the physical devices")) {
    const auto tell = [notices = notices_](hailort::Device&, const hailo_notification_t& told, void*) {
      if (const auto notice = toNotice(told)) notices->add(*notice);
    };
    for (const auto id : wanted) {
      const auto status = device.set_notification_callback(tell, id, nullptr);
      // Not every chip and release knows every notification; without one there is only less to report.
      if (status != HAILO_SUCCESS && meansLost(status)) throw errorOf(status, "notifications of the device");
    }
  }
}

std::shared_ptr<hailort::VDevice> Device::virtualDevice() const {
  if (!device_) throw Error(ErrorCode::closed, "Expected an open device, received one that was closed");
  return device_;
}

Health Device::health() const {
  const auto devices = take(virtualDevice()->get_physical_devices(), "the physical devices");
  if (devices.empty()) throw Error(ErrorCode::unavailable, "Expected a physical device, received none");
  Health health;
  identify(devices.front(), health);
  measure(devices.front(), health);
  measureLoad(devices.front(), health);
  return health;
}

void Device::close() {
  device_.reset();
}

}  // namespace hailstream::hailo
