#include "backends/hailo/status.h"

#include <string_view>

#include "backends/hailo/reaction.h"

namespace hailstream::hailo {
namespace {

std::string_view nameOf(hailo_status status) {
  const char* name = hailo_get_status_message(status);
  return name == nullptr ? std::string_view() : name;
}

}  // namespace

Error errorOf(hailo_status status, const std::string& expected) {
  const int number = static_cast<int>(status);
  const auto name = nameOf(status);
  const auto [code, reaction] = meaningOf(number, name);
  const std::string said =
      (name.empty() ? std::string("status ") : std::string(name)) + " (" + std::to_string(number) + ")";
  return Error(code, "Expected " + expected + ", received " + said,
               DriverStatus{number, std::string(name), spell(reaction)});
}

bool meansLost(hailo_status status) {
  return meaningOf(static_cast<int>(status), nameOf(status)).reaction == Reaction::recycle;
}

}  // namespace hailstream::hailo
