#include <atomic>
#include <csignal>
#include <mutex>
#include <vector>

#include "check.h"
#include "device_process.h"
#include "scenes.h"

using namespace hailort;
using namespace std::chrono_literals;

namespace {

/** Starts `count` frames; `order` gets their numbers as they end, `statuses` how. */
struct Pending {
  std::mutex mutex;
  std::vector<int> order;
  std::vector<hailo_status> statuses;

  void start(Runner& runner, int count) {
    for (int i = 0; i < count; i++) {
      auto job = runner.configured.run_async(runner.bindings, [this, i](const AsyncInferCompletionInfo& completion) {
        const std::lock_guard lock(mutex);
        order.push_back(i);
        statuses.push_back(completion.status);
      });
      require(job.status(), "run_async");
      job->detach();
    }
  }
  std::size_t ended() {
    const std::lock_guard lock(mutex);
    return order.size();
  }
};

Device& deviceOf(VDevice& device) {
  return device.get_physical_devices().value()[0].get();
}

}  // namespace

TEST("ends what is under way in reverse order with 62 when the device goes, and refuses a new client with 89") {
  DeviceProcess process;
  auto device = openShared();
  auto runner = std::make_unique<Runner>(*device, "yolov8m");
  Canvas canvas(640, 640);
  require(runner->bindings.input()->set_buffer(canvas.view()), "set_buffer");
  process.control(R"({"control":"hang"})");
  Pending pending;
  pending.start(*runner, 3);
  process.signal(SIGKILL);
  check::isTrue(eventually([&] { return pending.ended() == 3; }), "all frames ended");
  check::isTrue(pending.order == std::vector{2, 1, 0}, "the last first");
  for (const auto status : pending.statuses) check::equals(status, HAILO_COMMUNICATION_CLOSED);
  check::equals(runner->configured.wait_for_async_ready(1s), HAILO_SUCCESS);
  check::equals(runner->configured.run_async(runner->bindings).status(), HAILO_COMMUNICATION_CLOSED);
  check::equals(deviceOf(*device).query_health_stats().status(), HAILO_COMMUNICATION_CLOSED);
  check::equals(VDevice::create().status(), HAILO_CONNECTION_REFUSED);
  runner.reset();
  device.reset();
}

TEST("lets control calls of a hung device run into their deadline, and goes on when it wakes") {
  const Variable deadline("HAILO_REQUEST_TIMEOUT_SECONDS", "0.3");
  DeviceProcess process;
  const auto device = openShared();
  process.signal(SIGSTOP);
  check::equals(deviceOf(*device).get_chip_temperature().status(), HAILO_TIMEOUT);
  process.signal(SIGCONT);
  check::isTrue(eventually([&] { return deviceOf(*device).get_chip_temperature().status() == HAILO_SUCCESS; }),
                "it answers again");
}

TEST("carries out a call whose answer is lost") {
  const Variable deadline("HAILO_REQUEST_TIMEOUT_SECONDS", "0.3");
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  process.control(R"({"control":"lose-reply"})");
  check::equals(runner.configured.shutdown(), HAILO_TIMEOUT);
  Canvas canvas(640, 640);
  require(runner.bindings.input()->set_buffer(canvas.view()), "set_buffer");
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_INTERNAL_FAILURE);
}

TEST("holds up a call inside a callback until its deadline") {
  const Variable deadline("HAILO_REQUEST_TIMEOUT_SECONDS", "0.3");
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  require(runner.bindings.input()->set_buffer(canvas.view()), "set_buffer");
  std::atomic<int> inside = -1;
  auto job = runner.configured.run_async(runner.bindings, [&](const AsyncInferCompletionInfo&) {
    inside = deviceOf(*device).get_chip_temperature().status();
  });
  check::equals(job->wait(20s), HAILO_SUCCESS);
  check::equals(inside.load(), static_cast<int>(HAILO_TIMEOUT));
}

TEST("refuses the load that it was told to, and the next one goes well") {
  const DeviceProcess process;
  const auto device = openShared();
  process.control(R"({"control":"fail-load","after":1})");
  const Runner first(*device, "yolov6n");
  auto model = device->create_infer_model(hefOf("yolov8n")).release();
  check::equals(model->configure().status(), HAILO_OUT_OF_HOST_CMA_MEMORY);
  check::equals(model->configure().status(), HAILO_SUCCESS);
}

TEST("fails a run on command, which shuts the model down, and a frame on command, which does not") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  process.control(R"({"control":"fail-job","status":63})");
  require(runner.bindings.input()->set_buffer(canvas.view()), "set_buffer");
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_STREAM_ABORT);
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_SUCCESS);
  process.control(R"({"control":"fail-run","network":"yolov6n","status":36})");
  // The command reaches the library by its own link: an answer on it comes after.
  deviceOf(*device).get_chip_temperature();
  check::equals(runner.configured.run_async(runner.bindings).status(), HAILO_DRIVER_OPERATION_FAILED);
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_INTERNAL_FAILURE);
}

TEST("refuses a library of another version") {
  const DeviceProcess process({"--driver", "5.1.1"});
  check::equals(VDevice::create().status(), HAILO_INVALID_DRIVER_VERSION);
  const Variable version("HAILORT_STANDIN_LIBRARY_VERSION", "5.1.1");
  check::equals(VDevice::create().status(), HAILO_SUCCESS);
}

TEST("raises a temperature alarm and throttles, on the message-loop thread") {
  const DeviceProcess process;
  const auto device = openShared();
  Device& physical = deviceOf(*device);
  std::atomic<int> zone = -1;
  std::atomic<int> state = -1;
  const auto onAlarm = [&](Device&, const hailo_notification_t& notification, void*) {
    zone = notification.body.health_monitor_temperature_alarm_notification.temperature_zone;
  };
  const auto onThrottle = [&](Device&, const hailo_notification_t& notification, void* opaque) {
    state = notification.body.throttling_state_change.new_state;
    *static_cast<int*>(opaque) = static_cast<int>(notification.sequence);
  };
  int sequence = 0;
  check::equals(physical.set_notification_callback(onAlarm, HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM),
                HAILO_SUCCESS);
  check::equals(
      physical.set_notification_callback(onThrottle, HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT, &sequence),
      HAILO_SUCCESS);
  check::equals(physical.set_notification_callback(onAlarm, HAILO_NOTIFICATION_ID_DEBUG), HAILO_NOT_IMPLEMENTED);
  process.control(R"({"control":"temperature","celsius":105})");
  process.control(R"({"control":"throttle","state":3})");
  check::isTrue(eventually([&] { return zone == 1 && state == 3; }), "both notifications came");
  check::isNear(float{physical.query_health_stats()->on_die_temperature}, 105, 0.01);
  check::equals(sequence, 2);
  check::equals(process.state()["throttling"].integer(), std::int64_t{3});
  physical.remove_notification_callback(HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT);
}

TEST("tells what it is, and that it has no power sensor") {
  const DeviceProcess process;
  const auto device = Device::create();
  check::equals(device.status(), HAILO_SUCCESS);
  const auto identity = device.value()->identify().release();
  check::equals(identity.device_architecture, HAILO_ARCH_HAILO10H);
  check::equals(std::string(identity.board_name), std::string("Hailo-10H stand-in"));
  check::equals(
      device.value()->power_measurement(HAILO_DVM_OPTIONS_AUTO, HAILO_POWER_MEASUREMENT_TYPES__POWER).status(),
      HAILO_OPEN_FILE_FAILURE);
  const auto figures = device.value()->query_performance_stats().release();
  check::equals(std::int64_t{figures.ram_size_total}, std::int64_t{8192 * 1024});
  check::equals(int{figures.ddr_noc_total_transactions}, -1);
  std::vector<std::uint8_t> log(4096);
  check::isTrue(device.value()->fetch_logs(MemoryView(log.data(), log.size()), HAILO_LOG_TYPE__RUNTIME).value() > 0,
                "a log");
  check::equals(device.value()->reset(HAILO_RESET_DEVICE_MODE_SOFT), HAILO_NOT_SUPPORTED);
}

TEST("sends a bad HEF before it looks at it") {
  const DeviceProcess process;
  const auto device = openShared();
  const std::vector<std::uint8_t> bytes(5000, 7);
  check::equals(device->create_infer_model(MemoryView::create_const(bytes.data(), bytes.size())).status(),
                HAILO_HEF_NOT_SUPPORTED);
  check::equals(process.state()["hefBytes"].integer(), std::int64_t{5000});
  check::equals(device->create_infer_model(std::string("/nowhere/a.hef")).status(), HAILO_OPEN_FILE_FAILURE);
}

TEST("drops links on command and takes new ones at once") {
  const DeviceProcess process;
  const auto device = openShared();
  process.control(R"({"control":"disconnect"})");
  check::isTrue(
      eventually([&] { return deviceOf(*device).get_chip_temperature().status() == HAILO_COMMUNICATION_CLOSED; }),
      "the link is lost");
  check::isTrue(openShared() != nullptr, "a new client");
}
