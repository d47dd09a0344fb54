#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/image.h"

namespace hailstream {

/** A JPEG with more pixels is refused before any is decoded. */
inline constexpr std::size_t maxJpegPixels = 100'000'000;

struct Size {
  std::size_t width;
  std::size_t height;
};

struct JpegLimits {
  PixelFormat format;
  std::size_t maxWidth;
  std::size_t maxHeight;
};

struct DecodedJpeg {
  Size size;
  Size original;
  std::size_t bytes;
};

/** The size that the header says. Throws `invalid`. */
Size readJpegSize(std::span<const std::uint8_t> jpeg);

/**
 * Decodes into `target` in our layout, at the largest of the DCT scales 8/8 to 1/8 that fits the limits. Throws
 * `invalid` for what is broken, truncated or CMYK, `too-large` when 1/8 does not fit or the header says over
 * `maxJpegPixels`.
 */
DecodedJpeg decodeJpeg(std::span<const std::uint8_t> jpeg, const JpegLimits& limits, std::span<std::uint8_t> target);

/** Encodes with 4:2:0; quality 1 to 100. Gives the number of bytes. Throws `too-large` when they do not fit. */
std::size_t encodeJpeg(const ImageView& image, int quality, std::span<std::uint8_t> target);

}  // namespace hailstream
