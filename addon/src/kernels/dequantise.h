#pragma once

#include <cstdint>
#include <span>

namespace hailstream {

/** real = (value − zeroPoint) × scale. */
struct Quantisation {
  float zeroPoint;
  float scale;
};

/**
 * Quantised values → floats. `features` has one entry for the whole tensor, or one for each of its last axis, which
 * then divides `values.size()`. `target` has as many elements as `values`.
 */
void dequantise(std::span<const std::uint8_t> values, std::span<const Quantisation> features, std::span<float> target);
void dequantise(std::span<const std::uint16_t> values, std::span<const Quantisation> features, std::span<float> target);

}  // namespace hailstream
