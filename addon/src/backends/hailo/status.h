#pragma once

#include <hailo/hailort.hpp>
#include <string>
#include <utility>

#include "core/error.h"

#ifndef HAILSTREAM_HAILORT_VERSION
#error "Expected HAILSTREAM_HAILORT_VERSION, major·10000 + minor·100 + revision of the HailoRT that is compiled against"
#endif

namespace hailstream::hailo {

/** All that we use of generative models and Speech2Text is there from 5.1.1 on; Hailo-8's line (4.x) has none. */
#define HAILSTREAM_HAILO_GENAI (HAILSTREAM_HAILORT_VERSION >= 50101)

/** The error for a status that is not success: "Expected to load model.hef, received HAILO_TIMEOUT (4)". */
Error errorOf(hailo_status status, const std::string& expected);

/** Throws for anything but success; `expected` completes "Expected …". */
inline void require(hailo_status status, const std::string& expected) {
  if (status != HAILO_SUCCESS) throw errorOf(status, expected);
}

/** The value, or a throw with the status. */
template <typename Value>
Value take(hailort::Expected<Value>&& result, const std::string& expected) {
  if (!result) throw errorOf(result.status(), expected);
  return result.release();
}

/** Whether the status says that the device or its server is gone. */
bool meansLost(hailo_status status);

}  // namespace hailstream::hailo
