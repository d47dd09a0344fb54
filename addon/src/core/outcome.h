#pragma once

#include <exception>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <variant>

#include "core/error.h"

namespace hailstream {

/** What work on another thread gave: exceptions never cross threads. */
template <typename Value>
using Outcome = std::variant<Value, Error>;

/** Told once, on the thread that did the work; must not throw. */
template <typename Value>
using Told = std::function<void(Outcome<Value>)>;

/** Runs `work` and catches what it throws; a driver's own exceptions become `internal`. */
template <typename Work>
auto attempt(Work work) noexcept -> Outcome<decltype(work())> {
  using Result = Outcome<decltype(work())>;
  try {
    return Result(std::in_place_index<0>, work());
  } catch (const Error& error) {
    return Result(std::in_place_index<1>, error);
  } catch (const std::bad_alloc&) {
    return Result(std::in_place_index<1>, ErrorCode::unavailable, "Expected enough memory, received none");
  } catch (const std::exception& error) {
    return Result(std::in_place_index<1>, ErrorCode::internal,
                  std::string("Expected no exception, received ") + error.what());
  }
}

}  // namespace hailstream
