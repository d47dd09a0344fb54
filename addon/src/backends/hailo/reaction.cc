#include "backends/hailo/reaction.h"

#include <algorithm>
#include <iterator>

namespace hailstream::hailo {
namespace {

struct Row {
  int number;
  std::string_view name;
  Meaning meaning;
};

using enum ErrorCode;
using enum Reaction;

/** Numbers and names of HailoRT 5.2; what is not here is `internal` and `report`. */
constexpr Row rows[] = {
    {2, "HAILO_INVALID_ARGUMENT", {invalid, report}},
    {3, "HAILO_OUT_OF_HOST_MEMORY", {unavailable, evict}},
    {4, "HAILO_TIMEOUT", {timeout, retry}},
    {6, "HAILO_INVALID_OPERATION", {unavailable, report}},
    {7, "HAILO_NOT_IMPLEMENTED", {unavailable, report}},
    {8, "HAILO_INTERNAL_FAILURE", {internal, report}},
    {13, "HAILO_OPEN_FILE_FAILURE", {notFound, report}},
    {14, "HAILO_FILE_OPERATION_FAILURE", {invalid, report}},
    {26, "HAILO_INVALID_HEF", {invalid, report}},
    {36, "HAILO_DRIVER_OPERATION_FAILED", {unavailable, recycle}},
    {62, "HAILO_COMMUNICATION_CLOSED", {unavailable, recycle}},
    {63, "HAILO_STREAM_ABORT", {cancelled, report}},
    {64, "HAILO_DRIVER_NOT_INSTALLED", {unavailable, fallBack}},
    {71, "HAILO_OUT_OF_FW_MEMORY", {unavailable, evict}},
    {73, "HAILO_DEVICE_IN_USE", {busy, fallBack}},
    {74, "HAILO_OUT_OF_PHYSICAL_DEVICES", {unavailable, fallBack}},
    {76, "HAILO_INVALID_DRIVER_VERSION", {unavailable, report}},
    {79, "HAILO_NOT_SUPPORTED", {internal, report}},
    {81, "HAILO_OUT_OF_HOST_CMA_MEMORY", {unavailable, evict}},
    {82, "HAILO_QUEUE_IS_FULL", {busy, retry}},
    {89, "HAILO_CONNECTION_REFUSED", {unavailable, fallBack}},
    {91, "HAILO_HEF_FILE_CORRUPTED", {invalid, report}},
    {92, "HAILO_HEF_NOT_SUPPORTED", {invalid, report}},
    {93, "HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE", {invalid, report}},
    {95, "HAILO_OPERATION_ABORTED", {cancelled, report}},
    {96, "HAILO_DEVICE_NOT_CONNECTED", {unavailable, recycle}},
    {97, "HAILO_DEVICE_TEMPORARILY_UNAVAILABLE", {unavailable, retry}},
};

bool soundsLikeMemory(std::string_view name) {
  return name.find("MEMORY") != std::string_view::npos || name.find("EXHAUSTED") != std::string_view::npos;
}

}  // namespace

Meaning meaningOf(int number, std::string_view name) {
  const auto named = std::ranges::find(rows, name, &Row::name);
  if (named != std::end(rows)) return named->meaning;
  if (soundsLikeMemory(name)) return {unavailable, evict};
  if (!name.empty()) return {internal, report};
  const auto numbered = std::ranges::find(rows, number, &Row::number);
  return numbered == std::end(rows) ? Meaning{internal, report} : numbered->meaning;
}

const char* spell(Reaction reaction) {
  switch (reaction) {
    case report:
      return "report";
    case retry:
      return "retry";
    case evict:
      return "evict";
    case fallBack:
      return "fall-back";
    case recycle:
      return "recycle";
  }
  return "report";
}

}  // namespace hailstream::hailo
