#pragma once

#include <cstddef>
#include <cstdint>

#include "core/image.h"

namespace hailstream {

/** JPEG's full-range samples (0 to 255) to BT.601's limited range (16 to 235, chroma 16 to 240), in place. */
void toLimitedRange(const Layout& i420, std::uint8_t* data);

/** A limited-range nv12 or i420 image to full-range planes in the layout of i420. */
void toFullRange(const ImageView& image, std::uint8_t* target);

/** An i420 image to nv12. */
void interleaveChroma(std::size_t width, std::size_t height, const std::uint8_t* i420, std::uint8_t* nv12);

}  // namespace hailstream
