#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/image.h"
#include "kernels/axis.h"

namespace hailstream {

/** Where RGB pixels go, in elements: pixel (x, y) of channel c is at y × row + x × pixel + c × channel. */
struct PixelTarget {
  /** One of them is null. uint8 ignores mean and scale. */
  float* floats;
  std::uint8_t* bytes;
  std::size_t row;
  std::size_t pixel;
  std::size_t channel;
  std::array<float, 3> mean;
  std::array<float, 3> scale;

  bool planar() const { return pixel == 1; }
};

/**
 * Fills the target pixels that both axes fill with the source's, by a separable triangle filter in fixed point (15-bit
 * weights, samples in 1/128 between the two passes); YUV turns to RGB by BT.601, limited range, after the filter.
 */
void resample(const ImageView& image, const Axis& x, const Axis& y, const PixelTarget& target);

}  // namespace hailstream
