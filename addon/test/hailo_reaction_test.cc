#include "backends/hailo/reaction.h"
#include "check.h"

using namespace hailstream;
using hailo::Meaning;
using hailo::meaningOf;
using hailo::Reaction;

namespace {

void means(const Meaning& received, ErrorCode code, Reaction reaction,
           const check::Place place = check::Place::current()) {
  check::equals(std::string(spell(received.code)), std::string(spell(code)), place);
  check::equals(std::string(hailo::spell(received.reaction)), std::string(hailo::spell(reaction)), place);
}

}  // namespace

TEST("tells loss of the device, shortage, absence and mistakes apart") {
  means(meaningOf(62, "HAILO_COMMUNICATION_CLOSED"), ErrorCode::unavailable, Reaction::recycle);
  means(meaningOf(36, "HAILO_DRIVER_OPERATION_FAILED"), ErrorCode::unavailable, Reaction::recycle);
  means(meaningOf(96, "HAILO_DEVICE_NOT_CONNECTED"), ErrorCode::unavailable, Reaction::recycle);
  means(meaningOf(81, "HAILO_OUT_OF_HOST_CMA_MEMORY"), ErrorCode::unavailable, Reaction::evict);
  means(meaningOf(74, "HAILO_OUT_OF_PHYSICAL_DEVICES"), ErrorCode::unavailable, Reaction::fallBack);
  means(meaningOf(73, "HAILO_DEVICE_IN_USE"), ErrorCode::busy, Reaction::fallBack);
  means(meaningOf(89, "HAILO_CONNECTION_REFUSED"), ErrorCode::unavailable, Reaction::fallBack);
  means(meaningOf(97, "HAILO_DEVICE_TEMPORARILY_UNAVAILABLE"), ErrorCode::unavailable, Reaction::retry);
  means(meaningOf(4, "HAILO_TIMEOUT"), ErrorCode::timeout, Reaction::retry);
  means(meaningOf(2, "HAILO_INVALID_ARGUMENT"), ErrorCode::invalid, Reaction::report);
  means(meaningOf(13, "HAILO_OPEN_FILE_FAILURE"), ErrorCode::notFound, Reaction::report);
  means(meaningOf(92, "HAILO_HEF_NOT_SUPPORTED"), ErrorCode::invalid, Reaction::report);
  means(meaningOf(95, "HAILO_OPERATION_ABORTED"), ErrorCode::cancelled, Reaction::report);
}

TEST("goes by the name where a release has moved the numbers") {
  means(meaningOf(70, "HAILO_COMMUNICATION_CLOSED"), ErrorCode::unavailable, Reaction::recycle);
  means(meaningOf(62, "HAILO_TIMEOUT"), ErrorCode::timeout, Reaction::retry);
}

TEST("takes unknown names that speak of memory for a shortage, and any other for a failure of its own") {
  means(meaningOf(98, "HAILO_RESOURCE_EXHAUSTED"), ErrorCode::unavailable, Reaction::evict);
  means(meaningOf(98, "HAILO_SOMETHING_NEW"), ErrorCode::internal, Reaction::report);
  means(meaningOf(62, "HAILO_SOMETHING_NEW"), ErrorCode::internal, Reaction::report);
}

TEST("goes by the number where the library has no name") {
  means(meaningOf(62, ""), ErrorCode::unavailable, Reaction::recycle);
  means(meaningOf(4711, ""), ErrorCode::internal, Reaction::report);
}
