#include "kernels/yuv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hailstream {
namespace {

/** Fixed point in 1/65536: (value − from) × gain + to, rounded, 0 to 255. */
struct Range {
  int from;
  int to;
  int gain;

  std::uint8_t operator()(std::uint8_t value) const {
    return static_cast<std::uint8_t>(std::clamp(((value - from) * gain + (to << 16) + 32768) >> 16, 0, 255));
  }
};

constexpr int perUnit = 65536;
constexpr Range lumaToLimited{0, 16, perUnit * 219 / 255};
constexpr Range chromaToLimited{128, 128, perUnit * 224 / 255};
constexpr Range lumaToFull{16, 0, perUnit * 255 / 219};
constexpr Range chromaToFull{128, 128, perUnit * 255 / 224};

void mapRow(const std::uint8_t* source, std::uint8_t* target, std::size_t count, const Range& range) {
  for (std::size_t i = 0; i < count; i++) target[i] = range(source[i]);
}

void mapChroma(const ImageView& image, const Layout& from, const Layout& to, std::uint8_t* target, std::size_t plane) {
  const bool interleaved = image.format == PixelFormat::nv12;
  const Plane& source = from.planes[interleaved ? 1 : plane];
  const std::size_t step = interleaved ? 2 : 1;
  for (std::size_t y = 0; y < source.height; y++) {
    const std::uint8_t* in = image.data + source.offset + y * source.stride + (interleaved ? plane - 1 : 0);
    std::uint8_t* out = target + to.planes[plane].offset + y * to.planes[plane].stride;
    for (std::size_t x = 0; x < source.width; x++) out[x] = chromaToFull(in[x * step]);
  }
}

}  // namespace

void toLimitedRange(const Layout& i420, std::uint8_t* data) {
  for (std::size_t i = 0; i < 3; i++) {
    const Plane& plane = i420.planes[i];
    const Range& range = i == 0 ? lumaToLimited : chromaToLimited;
    for (std::size_t y = 0; y < plane.height; y++) {
      std::uint8_t* row = data + plane.offset + y * plane.stride;
      mapRow(row, row, plane.width, range);
    }
  }
}

void toFullRange(const ImageView& image, std::uint8_t* target) {
  const Layout from = layoutOf(image.format, image.width, image.height);
  const Layout to = layoutOf(PixelFormat::i420, image.width, image.height);
  for (std::size_t y = 0; y < image.height; y++)
    mapRow(image.data + y * from.planes[0].stride, target + y * to.planes[0].stride, image.width, lumaToFull);
  mapChroma(image, from, to, target, 1);
  mapChroma(image, from, to, target, 2);
}

void interleaveChroma(std::size_t width, std::size_t height, const std::uint8_t* i420, std::uint8_t* nv12) {
  const Layout from = layoutOf(PixelFormat::i420, width, height);
  const Layout to = layoutOf(PixelFormat::nv12, width, height);
  std::memcpy(nv12, i420, from.planes[1].offset);
  for (std::size_t y = 0; y < to.planes[1].height; y++) {
    const std::uint8_t* u = i420 + from.planes[1].offset + y * from.planes[1].stride;
    const std::uint8_t* v = i420 + from.planes[2].offset + y * from.planes[2].stride;
    std::uint8_t* uv = nv12 + to.planes[1].offset + y * to.planes[1].stride;
    for (std::size_t x = 0; x < to.planes[1].width; x++) {
      uv[2 * x] = u[x];
      uv[2 * x + 1] = v[x];
    }
  }
}

}  // namespace hailstream
