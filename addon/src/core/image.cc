#include "core/image.h"

namespace hailstream {
namespace {

constexpr std::size_t roundUp(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

Layout layoutOf(PixelFormat format, std::size_t width, std::size_t height) {
  if (format == PixelFormat::rgb) {
    const std::size_t stride = rgbStride(width);
    return {stride * height, {{0, stride, width, height}}};
  }
  const std::size_t stride = roundUp(width, 4);
  const std::size_t lumaBytes = stride * roundUp(height, 2);
  const std::size_t chromaWidth = (width + 1) / 2;
  const std::size_t chromaHeight = (height + 1) / 2;
  const Plane luma{0, stride, width, height};
  if (format == PixelFormat::nv12)
    return {lumaBytes + stride * chromaHeight, {luma, {lumaBytes, stride, chromaWidth, chromaHeight}}};
  const std::size_t chromaStride = roundUp(chromaWidth, 4);
  const std::size_t chromaBytes = chromaStride * chromaHeight;
  return {lumaBytes + 2 * chromaBytes,
          {luma,
           {lumaBytes, chromaStride, chromaWidth, chromaHeight},
           {lumaBytes + chromaBytes, chromaStride, chromaWidth, chromaHeight}}};
}

}  // namespace hailstream
