#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "binding/arguments.h"
#include "core/outcome.h"

namespace hailstream {

/**
 * Brings what other threads have done back to JavaScript's thread, as settled promises and called functions. Everything
 * of JavaScript's stays in here; other threads hold numbers. At the environment's end whatever is open is closed,
 * newest first, each with a deadline.
 */
class Settler : public std::enable_shared_from_this<Settler> {
 public:
  /** On JavaScript's thread; it lives as long as somebody holds it. */
  static std::shared_ptr<Settler> create(Napi::Env env);
  ~Settler();

  /** Runs `work` on JavaScript's thread soon; from any thread. After the environment's end nothing happens. */
  void hand(std::function<void(Napi::Env)> work);

  /** Has `close` called at the environment's end unless the owner has gone before. It must return within seconds. */
  void closeAtExit(std::weak_ptr<void> owner, std::function<void()> close);

  /**
   * Calls `start(told)` and gives the promise that `told` settles, with `toJs(env, value)` or the error and the stack
   * of this call; an Error that `start` throws is one too.
   */
  template <typename Value, typename Start, typename ToJs>
  Napi::Value promise(Napi::Env env, Start start, ToJs toJs) {
    const std::uint64_t id = add(env);
    const auto promise = pending_.at(id).deferred.Promise();
    try {
      start(Told<Value>([self = shared_from_this(), id, toJs](Outcome<Value> outcome) {
        auto shared = std::make_shared<Outcome<Value>>(std::move(outcome));
        self->hand([self, id, toJs, shared](Napi::Env env) { self->template settle<Value>(env, id, toJs, *shared); });
      }));
    } catch (const Error& error) {
      Outcome<Value> refused(std::in_place_type<Error>, error);
      settle<Value>(env, id, toJs, refused);
    } catch (...) {
      remove(id);
      throw;
    }
    return promise;
  }

  /** Keeps a function for calls from elsewhere, by the number that this gives; until `forget`. */
  std::uint64_t keep(Napi::Function function);
  void call(Napi::Env env, std::uint64_t function, std::initializer_list<napi_value> values);
  void forget(std::uint64_t function) { functions_.erase(function); }

 private:
  struct Pending {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference caller;
  };
  struct Closer {
    std::weak_ptr<void> owner;
    std::function<void()> close;
  };
  using Work = std::function<void(Napi::Env)>;
  static void runWork(Napi::Env env, Napi::Function, std::nullptr_t*, Work* work);
  using Bridge = Napi::TypedThreadSafeFunction<std::nullptr_t, Work, runWork>;

  Settler() = default;
  std::uint64_t add(Napi::Env env);
  void remove(std::uint64_t id);
  void reject(Napi::Env env, Pending& pending, const Error& error);
  void shutDown();

  template <typename Value, typename ToJs>
  void settle(Napi::Env env, std::uint64_t id, const ToJs& toJs, Outcome<Value>& outcome) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending pending = std::move(found->second);
    remove(id);
    if (const auto* error = std::get_if<Error>(&outcome)) return reject(env, pending, *error);
    try {
      pending.deferred.Resolve(toJs(env, std::move(std::get<Value>(outcome))));
    } catch (const Napi::Error& error) {
      pending.deferred.Reject(error.Value());
    }
  }

  std::mutex lock_;
  bool ended_ = false;
  Bridge bridge_;
  // JavaScript's thread only.
  std::uint64_t next_ = 0;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::unordered_map<std::uint64_t, Napi::FunctionReference> functions_;
  std::vector<Closer> closers_;
};

}  // namespace hailstream
