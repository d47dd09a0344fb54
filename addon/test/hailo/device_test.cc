#include "standin.h"

using namespace hailstream;

TEST("says that there is no device, and that looking again later can help") {
  unsetenv("HAILORT_STANDIN_SOCKET");
  const auto error = check::throws<Error>([] { openDevice(); });
  hasCode(error, ErrorCode::unavailable);
  check::equals(std::string(error.driver()->reaction), std::string("fall-back"));
}

TEST("refuses a library of another release than the one that it was built for") {
  const StandinDevice standin;
  setenv("HAILORT_STANDIN_LIBRARY_VERSION", "5.3.0", 1);
  const auto error = check::throws<Error>([] { openDevice(); });
  unsetenv("HAILORT_STANDIN_LIBRARY_VERSION");
  hasCode(error, ErrorCode::unavailable);
  check::isTrue(std::string(error.what()).find("Expected libhailort 5.2.0") != std::string::npos, error.what());
}

TEST("tells its identity, temperature and memory") {
  const StandinDevice standin;
  standin.control(R"({"control":"temperature","celsius":61.5})");
  const auto health = openDevice()->health();
  check::equals(health.architecture, std::string("hailo10h"));
  check::isTrue(!health.id.empty() && !health.firmware.empty(), "an id and a firmware");
  check::isNear(health.temperature.value_or(0), 61.5, 1);
  check::isTrue(health.memoryUsedBytes.value_or(-1) >= 0, "used memory");
  check::isTrue(health.memoryTotalBytes.value_or(0) > health.memoryUsedBytes.value_or(0), "more memory than is used");
}

TEST("shares the device with others of its group") {
  const StandinDevice standin;
  const auto first = openDevice();
  const auto second = openDevice();
  check::equals(second->health().architecture, std::string("hailo10h"));
}

TEST("keeps what the device tells until it is asked") {
  const StandinDevice standin;
  const auto device = openDevice();
  standin.control(R"({"control":"throttle","state":3})");
  std::vector<hailo::Notice> notices;
  becomesTrue(
      [&] {
        const auto taken = device->notices().take().notices;
        notices.insert(notices.end(), taken.begin(), taken.end());
        return !notices.empty();
      },
      "a notice of throttling");
  check::equals(std::string(notices[0].kind), std::string("throttling"));
  check::equals(notices[0].value, 3.0f);
}

TEST("drops the oldest notices beyond 64 and counts them") {
  hailo::Notices notices;
  for (int i = 0; i < 70; i++) notices.add({"throttling", static_cast<float>(i)});
  const auto taken = notices.take();
  check::equals(taken.notices.size(), 64u);
  check::equals(taken.dropped, 6u);
  check::equals(taken.notices[0].value, 6.0f);
  check::equals(notices.take().notices.size(), 0u);
}

TEST("says that a lost device needs a new process") {
  StandinDevice standin;
  const auto device = openDevice();
  standin.kill();
  saysRecycle(check::throws<Error>([&] { device->health(); }));
}

TEST("may be closed twice, after which it is closed") {
  const StandinDevice standin;
  const auto device = openDevice();
  device->close();
  device->close();
  hasCode(check::throws<Error>([&] { device->health(); }), ErrorCode::closed);
}
