#include "kernels/warp.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hailstream {
namespace {

/** From this shrink factor on, the source is reduced before it is sampled. */
constexpr double leastReduction = 1.5;

struct Bounds {
  double left, top, right, bottom;
};

/** The source pixels that the target's pixels reach, with one more on each side for the bilinear neighbours. */
Bounds reachOf(const Affine& m, double width, double height) {
  const auto spread = [&](std::size_t row) {
    const double x = m[row] * width;
    const double y = m[row + 1] * height;
    return std::pair(m[row + 2] + std::min(x, 0.0) + std::min(y, 0.0),
                     m[row + 2] + std::max(x, 0.0) + std::max(y, 0.0));
  };
  const auto [left, right] = spread(0);
  const auto [top, bottom] = spread(3);
  return {left - 1, top - 1, right + 1, bottom + 1};
}

/** Source pixels per target pixel along the longer of the two directions. */
double shrinkOf(const Affine& m) {
  return std::max(std::hypot(m[0], m[3]), std::hypot(m[1], m[4]));
}

/** A part of the source as packed RGB, reduced; `x` and `y` say how it lies on the source. */
struct Patch {
  Axis x;
  Axis y;
  std::vector<std::uint8_t> pixels;
};

/** The axis of a patch that covers the whole samples from `from` to `to`, reduced by about `shrink`. */
Axis patchAxis(std::size_t size, double from, double to, double shrink) {
  const double begin = std::clamp(std::floor(from), 0.0, static_cast<double>(size - 1));
  const double end = std::clamp(std::ceil(to), begin + 1, static_cast<double>(size));
  const auto pixels = static_cast<std::size_t>(std::max(1.0, std::round((end - begin) / shrink)));
  return {begin, (end - begin) / static_cast<double>(pixels), size, 0, pixels};
}

Patch cutPatch(const ImageView& image, const Affine& toSource, std::size_t width, std::size_t height) {
  const Bounds bounds = reachOf(toSource, static_cast<double>(width), static_cast<double>(height));
  const double shrink = shrinkOf(toSource);
  const double reduction = shrink < leastReduction ? 1 : shrink;
  Patch patch{patchAxis(image.width, bounds.left, bounds.right, reduction),
              patchAxis(image.height, bounds.top, bounds.bottom, reduction),
              {}};
  patch.pixels.resize(3 * patch.x.count() * patch.y.count());
  resample(image, patch.x, patch.y, {nullptr, patch.pixels.data(), 3 * patch.x.count(), 3, 1, {}, {}});
  return patch;
}

/** A coordinate's two samples along one axis, and the weight of the second. */
struct Neighbours {
  std::size_t low;
  std::size_t high;
  float weight;
};

Neighbours neighbours(const Axis& axis, double source) {
  const double last = static_cast<double>(axis.count() - 1);
  const double position = std::clamp((source - axis.origin) / axis.step - 0.5, 0.0, last);
  const auto low = static_cast<std::size_t>(position);
  return {low, std::min(low + 1, axis.count() - 1), static_cast<float>(position - static_cast<double>(low))};
}

using Rgb = std::array<float, 3>;

Rgb sample(const Patch& patch, const Neighbours& x, const Neighbours& y) {
  const std::uint8_t* upper = patch.pixels.data() + 3 * patch.x.count() * y.low;
  const std::uint8_t* lower = patch.pixels.data() + 3 * patch.x.count() * y.high;
  Rgb value;
  for (std::size_t c = 0; c < 3; c++) {
    const float above = std::lerp(float(upper[3 * x.low + c]), float(upper[3 * x.high + c]), x.weight);
    const float below = std::lerp(float(lower[3 * x.low + c]), float(lower[3 * x.high + c]), x.weight);
    value[c] = std::lerp(above, below, y.weight);
  }
  return value;
}

void store(const PixelTarget& target, std::size_t at, const Rgb& value) {
  for (std::size_t c = 0; c < 3; c++) {
    const std::size_t index = at + c * target.channel;
    if (target.floats != nullptr)
      target.floats[index] = (value[c] - target.mean[c]) * target.scale[c];
    else
      target.bytes[index] = static_cast<std::uint8_t>(value[c] + 0.5F);
  }
}

}  // namespace

void warp(const ImageView& image, const Affine& toSource, std::size_t width, std::size_t height, float pad,
          const PixelTarget& target) {
  const Patch patch = cutPatch(image, toSource, width, height);
  const Rgb outside{pad, pad, pad};
  for (std::size_t i = 0; i < width * height; i++) {
    const double column = static_cast<double>(i % width) + 0.5;
    const double line = static_cast<double>(i / width) + 0.5;
    const double x = toSource[0] * column + toSource[1] * line + toSource[2];
    const double y = toSource[3] * column + toSource[4] * line + toSource[5];
    const bool inside =
        x >= 0 && y >= 0 && x < static_cast<double>(image.width) && y < static_cast<double>(image.height);
    store(target, i / width * target.row + i % width * target.pixel,
          inside ? sample(patch, neighbours(patch.x, x), neighbours(patch.y, y)) : outside);
  }
}

}  // namespace hailstream
