#pragma once

#include "core/image.h"
#include "kernels/resample.h"

namespace hailstream {

/** Fills width × height target pixels through an affine (target → source), bilinear, antialiased where it shrinks. */
void warp(const ImageView& image, const Affine& toSource, std::size_t width, std::size_t height, float pad,
          const PixelTarget& target);

}  // namespace hailstream
