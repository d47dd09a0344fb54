#include "device/health.h"

#include <algorithm>
#include <array>

namespace standin {
namespace {

constexpr float orangeCelsius = 104;
constexpr float redCelsius = 120;
constexpr int temperatureAlarm = 1;
constexpr int throttlingChange = 14;

/** By throttling state: a lower clock makes everything this many times slower. Overheat stops nearly all. */
constexpr std::array<double, 7> slowdowns = {1, 1.15, 1.4, 1.8, 2.5, 10, 50};

}  // namespace

Json::Object Health::performance() const {
  const Ms span = connections_.now() - askedAt_;
  const double share = askedAt_ == 0 || span <= 0 ? 0 : (state_.counters.coreBusy - busyBefore_) / span;
  return {{"ramTotal", state_.settings.memoryKib},
          {"ramUsed", state_.usedKib()},
          {"cpu", 12.0},
          {"core", 100 * std::clamp(share, 0.0, 1.0)}};
}

void Health::tell(ConnectionId from, const Json& request) {
  const auto what = request["what"].string();
  Json::Object fields = {{"celsius", static_cast<double>(state_.celsius)}};
  if (what == "performance") {
    fields = performance();
    busyBefore_ = state_.counters.coreBusy;
    askedAt_ = connections_.now();
  }
  if (what == "logs") fields = {{"text", "hailort-standin-device: simulated device, no fault recorded\n"}};
  outbox_.reply(from, request, 0, fields);
}

void Health::setCelsius(float celsius) {
  state_.celsius = celsius;
  const int zone = celsius >= redCelsius ? 2 : celsius >= orangeCelsius ? 1 : 0;
  if (zone == zone_) return;
  zone_ = zone;
  notify(temperatureAlarm, {{"zone", zone}, {"celsius", static_cast<double>(celsius)}});
}

void Health::setThrottling(int state) {
  state_.throttling = std::clamp(state, 0, static_cast<int>(slowdowns.size()) - 1);
  state_.core.setSlowdown(slowdowns[static_cast<std::size_t>(state_.throttling)]);
  notify(throttlingChange, {{"state", state_.throttling}});
}

void Health::notify(int id, Json::Object fields) {
  state_.counters.notifications++;
  fields["event"] = "notification";
  fields["number"] = id;
  fields["sequence"] = ++state_.notificationNumber;
  for (const auto& [connection, client] : state_.clients) outbox_.event(connection, fields);
}

}  // namespace standin
