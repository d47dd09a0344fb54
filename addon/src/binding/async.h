#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "binding/arguments.h"
#include "core/error.h"

namespace hailstream {

/**
 * Runs `work` on a thread of the pool and settles a promise with `toJs(env, result)` on JavaScript's. `work` owns all
 * it uses (a shared_ptr to the image pool, copies of bytes) and touches no JavaScript value. Its Error becomes the
 * rejection, with the stack of the call.
 */
template <typename Work, typename ToJs>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  PromiseWorker(Napi::Env env, Work work, ToJs toJs)
      : AsyncWorker(env, "hailstream"),
        deferred_(env),
        caller_(Napi::Persistent(Napi::Error::New(env).Value())),
        work_(std::move(work)),
        toJs_(std::move(toJs)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      result_.emplace((*work_)());
    } catch (const Error& error) {
      fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::unavailable, "Expected enough memory, received none");
    }
    work_.reset();
  }

  void OnOK() override {
    settle([this] { deferred_.Resolve(toJs_(Env(), std::move(*result_))); });
  }

  void OnError(const Napi::Error& failure) override {
    settle([&] {
      Napi::Error error = toJsError(Env(), code_, failure.Message());
      const std::string caller = caller_.Value().Get("stack").ToString();
      const auto frames = caller.find('\n');
      if (frames != std::string::npos) error.Set("stack", "Error: " + failure.Message() + caller.substr(frames));
      deferred_.Reject(error.Value());
    });
  }

 private:
  template <typename Settle>
  static void settle(Settle settle) {
    try {
      settle();
    } catch (const Napi::Error&) {
      // The environment is ending (a worker was terminated) and runs no JavaScript: nobody is left to be told.
    }
  }

  void fail(ErrorCode code, const char* message) {
    code_ = code;
    SetError(message);
  }

  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference caller_;
  std::optional<Work> work_;
  ToJs toJs_;
  std::optional<decltype(std::declval<Work>()())> result_;
  ErrorCode code_ = ErrorCode::internal;
};

template <typename Work, typename ToJs>
Napi::Promise runAsync(Napi::Env env, Work work, ToJs toJs) {
  auto* worker = new PromiseWorker<Work, ToJs>(env, std::move(work), std::move(toJs));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace hailstream
