#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace hailstream {

/** The codes of engine/errors.ts that C++ can meet. */
enum class ErrorCode { invalid, notFound, tooLarge, busy, unavailable, timeout, cancelled, closed, internal };

/** What a driver said: its status by number and name (numbers move between its releases), and what helps (`reaction`).
 */
struct DriverStatus {
  int number;
  std::string name;
  const char* reaction;
};

/** An expected failure; it becomes an EngineError with this code and message. */
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::optional<DriverStatus> driver = std::nullopt)
      : std::runtime_error(message), code_(code), driver_(std::move(driver)) {}
  ErrorCode code() const { return code_; }
  const std::optional<DriverStatus>& driver() const { return driver_; }

 private:
  ErrorCode code_;
  std::optional<DriverStatus> driver_;
};

/** The code as engine/errors.ts spells it. */
constexpr const char* spell(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::notFound:
      return "not-found";
    case ErrorCode::tooLarge:
      return "too-large";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace hailstream
