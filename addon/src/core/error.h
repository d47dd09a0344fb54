#pragma once

#include <stdexcept>
#include <string>

namespace hailstream {

/** The codes of engine/errors.ts that C++ can meet. */
enum class ErrorCode { invalid, tooLarge, unavailable, closed, internal };

/** An expected failure; it becomes an EngineError with this code and message. */
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/** The code as engine/errors.ts spells it. */
constexpr const char* spell(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::tooLarge:
      return "too-large";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace hailstream
