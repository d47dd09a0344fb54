#include "binding/hailo/settler.h"

#include <algorithm>
#include <string>

namespace hailstream {

std::shared_ptr<Settler> Settler::create(Napi::Env env) {
  std::shared_ptr<Settler> settler(new Settler());
  settler->bridge_ = Bridge::New(env, "hailstream hailo", 0, 1);
  // Only what is under way keeps the process alive.
  settler->bridge_.Unref(env);
  env.AddCleanupHook([held = std::weak_ptr<Settler>(settler)] {
    if (const auto open = held.lock()) open->shutDown();
  });
  return settler;
}

Settler::~Settler() {
  const std::lock_guard guard(lock_);
  if (!ended_) bridge_.Release();
}

void Settler::runWork(Napi::Env env, Napi::Function, std::nullptr_t*, Work* work) {
  const std::unique_ptr<Work> held(work);
  if (env == nullptr) return;
  Napi::HandleScope scope(env);
  try {
    (*held)(env);
  } catch (const Napi::Error&) {
    // The environment is ending and runs no JavaScript: nobody is left to be told.
  }
}

void Settler::hand(Work work) {
  auto held = std::make_unique<Work>(std::move(work));
  const std::lock_guard guard(lock_);
  if (!ended_ && bridge_.NonBlockingCall(held.get()) == napi_ok) static_cast<void>(held.release());
}

void Settler::closeAtExit(std::weak_ptr<void> owner, std::function<void()> close) {
  std::erase_if(closers_, [](const Closer& closer) { return closer.owner.expired(); });
  closers_.push_back({std::move(owner), std::move(close)});
}

void Settler::shutDown() {
  pending_.clear();
  functions_.clear();
  std::for_each(closers_.rbegin(), closers_.rend(), [](const Closer& closer) {
    if (const auto owner = closer.owner.lock()) closer.close();
  });
  closers_.clear();
  const std::lock_guard guard(lock_);
  ended_ = true;
  bridge_.Release();
}

std::uint64_t Settler::add(Napi::Env env) {
  if (pending_.empty()) bridge_.Ref(env);
  pending_.emplace(++next_,
                   Pending{Napi::Promise::Deferred::New(env), Napi::Persistent(Napi::Error::New(env).Value())});
  return next_;
}

void Settler::remove(std::uint64_t id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const Napi::Env env = found->second.deferred.Env();
  pending_.erase(found);
  if (pending_.empty()) bridge_.Unref(env);
}

void Settler::reject(Napi::Env env, Pending& pending, const Error& error) {
  Napi::Error failure = toJsError(env, error);
  const std::string caller = pending.caller.Value().Get("stack").ToString();
  const auto frames = caller.find('\n');
  if (frames != std::string::npos) failure.Set("stack", std::string("Error: ") + error.what() + caller.substr(frames));
  pending.deferred.Reject(failure.Value());
}

std::uint64_t Settler::keep(Napi::Function function) {
  functions_.emplace(++next_, Napi::Persistent(function));
  return next_;
}

void Settler::call(Napi::Env, std::uint64_t function, std::initializer_list<napi_value> values) {
  const auto found = functions_.find(function);
  if (found != functions_.end()) found->second.Call(values);
}

}  // namespace hailstream
