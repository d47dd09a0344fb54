#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "backends/hailo/device.h"
#include "check.h"
#include "core/outcome.h"

/** What the tests against the stand-in for libhailort share. */
namespace hailstream {

/** Longest wait for anything, on a machine that is busy with other work. */
inline constexpr std::chrono::seconds patience{60};

/** A simulated device: a process, ended with this; where clients find it is in the environment meanwhile. */
class StandinDevice {
 public:
  explicit StandinDevice(const std::vector<std::string>& options = {});
  ~StandinDevice();
  StandinDevice(const StandinDevice&) = delete;
  StandinDevice& operator=(const StandinDevice&) = delete;

  /** Sends a command, such as `{"control":"hang"}`; gives the answer's text. */
  std::string control(const std::string& command) const;
  /** The number behind `"name":` in the device's state. */
  long count(const std::string& name) const;
  /** SIGKILL, and waits until it is gone. */
  void kill();

 private:
  std::string folder_;
  int pid_ = 0;
};

/** The HEF of a network of the stand-in, made once per program. */
std::string hefOf(const std::string& network);

std::shared_ptr<hailo::Device> openDevice();

/** Waits for what is told once, on whatever thread. */
template <typename Value>
class Awaited {
 public:
  Told<Value> told() const {
    return [promise = promise_](Outcome<Value> outcome) { promise->set_value(std::move(outcome)); };
  }

  /** Fails when nothing comes. May be asked once. */
  Outcome<Value> outcome(const check::Place place = check::Place::current()) {
    auto future = promise_->get_future();
    check::isTrue(future.wait_for(patience) == std::future_status::ready, "to be told in time", place);
    return future.get();
  }

  Value value(const check::Place place = check::Place::current()) {
    auto result = outcome(place);
    if (const auto* error = std::get_if<Error>(&result)) check::fail(error->what(), place);
    return std::move(std::get<Value>(result));
  }

  Error error(const check::Place place = check::Place::current()) {
    auto result = outcome(place);
    check::isTrue(std::holds_alternative<Error>(result), "an error to be told", place);
    return std::get<Error>(result);
  }

 private:
  std::shared_ptr<std::promise<Outcome<Value>>> promise_ = std::make_shared<std::promise<Outcome<Value>>>();
};

inline void hasCode(const Error& error, ErrorCode code, const check::Place place = check::Place::current()) {
  check::equals(std::string(spell(error.code())) + ": " + error.what(), std::string(spell(code)) + ": " + error.what(),
                place);
}

inline void saysRecycle(const Error& error, const check::Place place = check::Place::current()) {
  hasCode(error, ErrorCode::unavailable, place);
  check::isTrue(error.driver().has_value(), "what the driver said", place);
  check::equals(std::string(error.driver()->reaction), std::string("recycle"), place);
}

/** Waits until it holds; fails when it does not. */
template <typename Condition>
void becomesTrue(Condition condition, const std::string& what, const check::Place place = check::Place::current()) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) check::fail("expected in time: " + what, place);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace hailstream
