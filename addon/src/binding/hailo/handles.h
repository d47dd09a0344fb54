#pragma once

#include <napi.h>

#include <chrono>
#include <memory>
#include <variant>

#include "backends/hailo/device.h"
#include "binding/hailo/settler.h"
#include "core/task_thread.h"

/** What the files of this folder share: each makes the JavaScript object of one kind of handle. */
namespace hailstream {

/** How long the environment's end waits for each handle. */
inline constexpr std::chrono::seconds exitDeadline{3};

/** The open device with the thread that calls it; let go, it closes there. */
class OpenDevice {
 public:
  explicit OpenDevice(std::shared_ptr<Settler> settler) : settler_(std::move(settler)) {}
  ~OpenDevice() {
    close([](const Outcome<std::monostate>&) {});
  }

  Settler& settler() { return *settler_; }
  /** Opens on the device's thread. */
  void open(hailo::DeviceOptions options, Told<std::monostate> told);
  void health(Told<hailo::Health> told);
  void close(Told<std::monostate> told);
  bool waitForEnd(std::chrono::milliseconds deadline) { return thread_.waitForEnd(deadline); }
  /** Throws `closed` before it is open and after close(). */
  std::shared_ptr<hailo::Device> device() const;

 private:
  struct State;
  std::shared_ptr<Settler> settler_;
  std::shared_ptr<State> state_;
  TaskThread thread_{"hailo-device", 32};
};

inline Napi::Value toUndefined(Napi::Env env, std::monostate) {
  return env.Undefined();
}

/** NativeHailoModel, NativeHailoLanguage and NativeHailoSpeech of engine/native/hailo.ts, as promises. */
Napi::Value loadModel(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info);
Napi::Value loadLanguage(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info);
Napi::Value loadSpeech(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info);

/** Adds `close(): Promise<void>` to a handle, and has it closed at the environment's end. */
template <typename Owner>
void addClose(Napi::Env env, Napi::Object handle, const std::shared_ptr<Settler>& settler,
              const std::shared_ptr<Owner>& owner) {
  exportFunction(env, handle, "close", [settler, owner](const Napi::CallbackInfo& info) {
    return settler->promise<std::monostate>(
        info.Env(), [&](Told<std::monostate> told) { owner->close(std::move(told)); }, toUndefined);
  });
  settler->closeAtExit(owner, [weak = std::weak_ptr<Owner>(owner)] {
    const auto open = weak.lock();
    if (!open) return;
    open->close([](const Outcome<std::monostate>&) {});
    open->waitForEnd(exitDeadline);
  });
}

}  // namespace hailstream
