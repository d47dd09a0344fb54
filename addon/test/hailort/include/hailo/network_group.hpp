#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include "hailo/hef.hpp"

namespace hailort {

struct LatencyMeasurementResult {
  std::chrono::nanoseconds avg_hw_latency;
};

}  // namespace hailort
