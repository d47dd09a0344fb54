#include "device/core.h"

#include <string>

#include "check.h"

using namespace standin;

namespace {

/** Runs the core from `now` until nothing is ready; the models in the order in which they ran. */
std::string runAll(Core& core, Ms& now) {
  std::string order;
  while (const auto run = core.next(now)) {
    now += run->duration;
    order += std::to_string(run->model);
  }
  return order;
}

Network network(double fps1, double fps8) {
  return {"n", Head::nms, {}, {}, fps1, fps8, 0, 0, {}};
}

}  // namespace

TEST("takes the vendor's time for one frame, and for a burst of eight") {
  Core core(0);
  const int model = core.add(network(75, 137), 0);
  Ms now = 0;
  core.push(model, {1, 1}, now);
  runAll(core, now);
  check::isNear(now, 1000.0 / 75, 1e-6);
  now = 0;
  for (std::uint64_t i = 0; i < 8; i++) core.push(model, {1, i}, now);
  runAll(core, now);
  check::isNear(now, 8000.0 / 137, 1e-6);
}

TEST("lets models of one priority take turns, each up to its burst") {
  Core core(1);
  const int first = core.add(network(100, 100), 2);
  const int second = core.add(network(100, 100), 2);
  Ms now = 0;
  for (std::uint64_t i = 0; i < 4; i++) {
    core.push(first, {1, i}, now);
    core.push(second, {1, i}, now);
  }
  check::equals(runAll(core, now), std::string("11221122"));
}

TEST("counts the cost of every switch") {
  Core core(3);
  const int first = core.add(network(100, 100), 1);
  const int second = core.add(network(100, 100), 1);
  Ms now = 0;
  for (const int model : {first, second, first, second}) core.push(model, {1, 1}, now);
  runAll(core, now);
  check::isNear(now, 4 * (10 + 3), 1e-6);
}

TEST("serves a higher priority first") {
  Core core(0);
  const int low = core.add(network(100, 100), 0);
  const int high = core.add(network(100, 100), 0);
  core.setPriority(high, 20);
  Ms now = 0;
  for (std::uint64_t i = 0; i < 3; i++) core.push(low, {1, i}, now);
  for (std::uint64_t i = 0; i < 3; i++) core.push(high, {1, i}, now);
  check::equals(runAll(core, now), std::string("222111"));
}

TEST("waits for a threshold of frames, but not longer than its timeout") {
  Core core(0);
  const int model = core.add(network(100, 100), 0);
  core.setThreshold(model, 3);
  core.setTimeout(model, 50);
  core.push(model, {1, 1}, 0);
  check::isTrue(!core.next(10), "one of three frames is not ready");
  check::isNear(*core.nextReadyAt(), 50, 1e-6);
  check::isTrue(core.next(50).has_value(), "its time is over");
  for (std::uint64_t i = 0; i < 3; i++) core.push(model, {1, i}, 60);
  check::isTrue(core.next(60).has_value(), "three frames are ready at once");
}

TEST("becomes slower when it is throttled") {
  Core core(0);
  const int model = core.add(network(100, 100), 0);
  core.setSlowdown(2.5);
  core.push(model, {1, 1}, 0);
  check::isNear(core.next(0)->duration, 25, 1e-6);
}

TEST("forgets the frames of a model that goes") {
  Core core(0);
  const int model = core.add(network(100, 100), 0);
  core.push(model, {7, 1}, 0);
  core.push(model, {7, 2}, 0);
  check::equals(core.drop(model).size(), std::size_t{2});
  core.remove(model);
  check::isTrue(!core.next(0), "nothing is left to run");
}
