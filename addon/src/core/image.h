#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hailstream {

enum class PixelFormat { rgb, nv12, i420 };

/** Where a plane's samples lie, in bytes from the image's start; `width` counts pixels, not bytes. */
struct Plane {
  std::size_t offset;
  std::size_t stride;
  std::size_t width;
  std::size_t height;
};

struct Layout {
  std::size_t bytes;
  std::vector<Plane> planes;
};

/** The largest width and height of an image, in pixels. */
inline constexpr std::size_t maxSide = 32768;

/** GStreamer's default layout (GstVideoInfo): rows padded to 4 bytes, planes of even luma height, in order. */
Layout layoutOf(PixelFormat format, std::size_t width, std::size_t height);

/** Bytes from one row of packed RGB to the next. */
constexpr std::size_t rgbStride(std::size_t width) {
  return (width * 3 + 3) / 4 * 4;
}

/** A raw image in memory that somebody else owns. YUV is BT.601 in limited range (16 to 235, 16 to 240). */
struct ImageView {
  PixelFormat format;
  std::size_t width;
  std::size_t height;
  const std::uint8_t* data;
};

/** x' = a·x + b·y + c, y' = d·x + e·y + f, on pixel coordinates where the top left pixel spans 0 to 1. */
using Affine = std::array<double, 6>;

}  // namespace hailstream
