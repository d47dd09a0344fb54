#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "backends/hailo/device.h"
#include "core/keep_forever.h"
#include "core/outcome.h"
#include "core/task_thread.h"

namespace hailstream::hailo {

/**
 * A generative network and the one thread that calls it. After an error in the middle of its work the library can
 * neither go on nor be ended safely (its destructors hang, or terminate the process): then the network stays as it is
 * for ever, every call says `unavailable`, and the device says `mustRecycle`.
 */
template <typename Network>
class Resident {
 public:
  using Make = std::function<std::unique_ptr<Network>(std::shared_ptr<hailort::VDevice>)>;

  Resident(std::shared_ptr<Device> device, const char* threadName)
      : state_(std::make_shared<State>()), thread_(threadName, mostWaiting) {
    state_->device = std::move(device);
  }

  /** Lets the network go on its own thread, so that nobody else waits for that. */
  ~Resident() {
    close([](const Outcome<std::monostate>&) {});
  }

  /** Makes the network; `facts` reads from it what `told` gets. */
  template <typename Value, typename Facts>
  void load(Make make, Told<Value> told, Facts facts) {
    post(std::move(told), [make = std::move(make), facts = std::move(facts)](State& state) {
      state.network = make(state.device->virtualDevice());
      return facts(*state.network);
    });
  }

  /** Runs `work(network)`. Throws `busy` and `closed` as TaskThread does. */
  template <typename Value, typename Work>
  void call(Told<Value> told, Work work) {
    post(std::move(told), [work = std::move(work)](State& state) mutable { return work(open(state)); });
  }

  /** As `call`, for work that leaves the device in the middle of something when it fails. */
  template <typename Value, typename Work>
  void generate(Told<Value> told, Work work) {
    post(std::move(told), [work = std::move(work)](State& state) mutable {
      Network& network = open(state);
      try {
        return work(network);
      } catch (const Error& error) {
        // What the library refuses it has not begun.
        if (error.driver() && error.code() != ErrorCode::invalid) leak(state);
        throw;
      }
    });
  }

  void close(Told<std::monostate> told) {
    const auto finish = [](State& state) {
      state.network.reset();
      state.device.reset();
      return std::monostate();
    };
    try {
      post(told, finish);
    } catch (const Error&) {
      // Closed before (or full of calls that never return, where a deadline of the caller's ends the process).
      told(std::monostate());
    }
    thread_.end();
  }

  bool waitForEnd(std::chrono::milliseconds deadline) { return thread_.waitForEnd(deadline); }

 private:
  struct State {
    std::shared_ptr<Device> device;
    std::unique_ptr<Network> network;
    bool broken = false;
  };
  static constexpr std::size_t mostWaiting = 32;

  static Network& open(State& state) {
    if (state.network) return *state.network;
    if (!state.broken) throw Error(ErrorCode::closed, "Expected a loaded model, received one that did not load");
    throw Error(ErrorCode::unavailable, "Expected a working model, received one that failed in its work before",
                DriverStatus{0, "", "recycle"});
  }

  static void leak(State& state) {
    keepForever(std::move(state.network));
    state.broken = true;
    state.device->markBroken();
  }

  template <typename Value, typename Work>
  void post(Told<Value> told, Work work) {
    thread_.post([state = state_, told = std::move(told), work = std::move(work)]() mutable {
      auto outcome = attempt([&] { return work(*state); });
      if (const auto* error = std::get_if<Error>(&outcome)) noteLoss(*state, *error);
      told(std::move(outcome));
    });
  }

  static void noteLoss(State& state, const Error& error) {
    if (error.driver() && std::string_view(error.driver()->reaction) == "recycle" && state.network) leak(state);
  }

  std::shared_ptr<State> state_;
  TaskThread thread_;
};

}  // namespace hailstream::hailo
