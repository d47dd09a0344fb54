#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/image.h"

/** What `resample` has to give, written out plainly in double precision: the tests' oracle. */
namespace scalar {

using namespace hailstream;

/** One channel of an image: sample (x, y) is at data[y × stride + x × step]. */
struct Channel {
  const std::uint8_t* data;
  std::size_t stride;
  std::size_t step;
  std::size_t width;
  std::size_t height;
};

inline Channel channelOf(const ImageView& image, std::size_t c) {
  const Layout layout = layoutOf(image.format, image.width, image.height);
  const bool nv12 = image.format == PixelFormat::nv12;
  const bool rgb = image.format == PixelFormat::rgb;
  const Plane& plane = layout.planes[rgb ? 0 : nv12 ? std::min<std::size_t>(c, 1) : c];
  const std::size_t first = rgb ? c : nv12 && c == 2 ? 1 : 0;
  const std::size_t step = rgb ? 3 : nv12 && c > 0 ? 2 : 1;
  return {image.data + plane.offset + first, plane.stride, step, plane.width, plane.height};
}

struct Weighted {
  std::size_t sample;
  double weight;
};

/** The triangle filter around `center`, over the samples there are. */
inline std::vector<Weighted> triangle(double center, double shrink, std::size_t size) {
  const double support = std::max(shrink, 1.0);
  std::vector<Weighted> result;
  double sum = 0;
  const auto from = static_cast<std::ptrdiff_t>(std::floor(center - support)) - 1;
  const auto to = static_cast<std::ptrdiff_t>(std::ceil(center + support)) + 1;
  for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(from, 0); i < std::min<std::ptrdiff_t>(to, std::ptrdiff_t(size));
       i++) {
    const double weight = 1 - std::abs(double(i) + 0.5 - center) / support;
    if (weight <= 0) continue;
    result.push_back({std::size_t(i), weight});
    sum += weight;
  }
  for (Weighted& each : result) each.weight /= sum;
  return result;
}

/** The channel's value around (x, y), filtered with `shrinkX` × `shrinkY` samples per target pixel. */
inline double filtered(const Channel& channel, double x, double y, double shrinkX, double shrinkY) {
  double sum = 0;
  const auto along = triangle(x, shrinkX, channel.width);
  for (const Weighted& line : triangle(y, shrinkY, channel.height))
    for (const Weighted& each : along)
      sum += line.weight * each.weight * channel.data[line.sample * channel.stride + each.sample * channel.step];
  return sum;
}

using Rgb = std::array<double, 3>;

/** The image's colour around source pixel coordinates (x, y), 0 to 255; YUV by BT.601, limited range. */
inline Rgb colorAt(const ImageView& image, double x, double y, double shrinkX, double shrinkY) {
  const bool rgb = image.format == PixelFormat::rgb;
  const double half = rgb ? 1 : 2;
  Rgb v{filtered(channelOf(image, 0), x, y, shrinkX, shrinkY)};
  for (std::size_t c = 1; c < 3; c++)
    v[c] = filtered(channelOf(image, c), x / half, y / half, shrinkX / half, shrinkY / half);
  if (!rgb) {
    const double luma = (v[0] - 16) * 255 / 219, u = (v[1] - 128) * 255 / 224, w = (v[2] - 128) * 255 / 224;
    v = {luma + 1.402 * w, luma - 0.344136 * u - 0.714136 * w, luma + 1.772 * u};
  }
  for (double& value : v) value = std::clamp(value, 0.0, 255.0);
  return v;
}

/** An image of random blocks and noise; `bytes` is exactly as long as the layout says. */
struct RandomImage {
  RandomImage(PixelFormat format, std::size_t width, std::size_t height, std::mt19937& random)
      : bytes(layoutOf(format, width, height).bytes) {
    std::uint8_t value = 0;
    for (std::uint8_t& byte : bytes) byte = random() % 5 == 0 ? value = static_cast<std::uint8_t>(random()) : value;
    view = {format, width, height, bytes.data()};
  }
  std::vector<std::uint8_t> bytes;
  ImageView view;
};

}  // namespace scalar
