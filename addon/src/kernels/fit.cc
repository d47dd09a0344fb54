#include "kernels/fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/resample.h"
#include "kernels/warp.h"

namespace hailstream {
namespace {

struct Placement {
  Axis x;
  Axis y;
};

Placement letterbox(const ImageView& image, const FitOptions& options) {
  const double scale = std::min(static_cast<double>(options.width) / static_cast<double>(image.width),
                                static_cast<double>(options.height) / static_cast<double>(image.height));
  const auto place = [scale](std::size_t size, std::size_t pixels) {
    const auto rounded = static_cast<std::size_t>(std::lround(static_cast<double>(size) * scale));
    const std::size_t used = std::clamp<std::size_t>(rounded, 1, pixels);
    return wholeAxis(size, (pixels - used) / 2, used);
  };
  return {place(image.width, options.width), place(image.height, options.height)};
}

Placement placeBox(const ImageView& image, const FitOptions& options, const CropBox& box) {
  return {boxAxis(image.width, box.x, box.width, options.width),
          boxAxis(image.height, box.y, box.height, options.height)};
}

PixelTarget pixelTarget(const FitOptions& options, float* floats, std::uint8_t* bytes) {
  const std::size_t pixel = options.planar ? 1 : 3;
  const std::size_t channel = options.planar ? options.width * options.height : 1;
  return {floats, bytes, options.width * pixel, pixel, channel, options.mean, options.scale};
}

template <typename Value>
Value padValue(const FitOptions& options, std::size_t channel) {
  if constexpr (std::is_same_v<Value, std::uint8_t>) return static_cast<std::uint8_t>(std::lround(options.pad));
  return static_cast<Value>((options.pad - options.mean[channel]) * options.scale[channel]);
}

/** Fills pixels `from` to `to` of a row. */
template <typename Value>
void padPixels(Value* row, const PixelTarget& target, const std::array<Value, 3>& pad, std::size_t from,
               std::size_t to) {
  for (std::size_t c = 0; c < 3 && target.planar(); c++)
    std::fill(row + c * target.channel + from, row + c * target.channel + to, pad[c]);
  if (target.planar()) return;
  for (Value* pixel = row + 3 * from; pixel != row + 3 * to; pixel += 3) std::copy(pad.begin(), pad.end(), pixel);
}

template <typename Value>
void padAround(const Placement& place, const FitOptions& options, const PixelTarget& target, Value* data) {
  std::array<Value, 3> pad;
  for (std::size_t c = 0; c < 3; c++) pad[c] = padValue<Value>(options, c);
  for (std::size_t y = 0; y < options.height; y++) {
    Value* row = data + y * target.row;
    const bool filled = y >= place.y.begin && y < place.y.end;
    padPixels(row, target, pad, 0, filled ? place.x.begin : options.width);
    if (filled) padPixels(row, target, pad, place.x.end, options.width);
  }
}

template <typename Value>
Affine place(const ImageView& image, const FitOptions& options, const Placement& place, const PixelTarget& target,
             Value* data) {
  padAround(place, options, target, data);
  if (place.x.count() > 0 && place.y.count() > 0) resample(image, place.x, place.y, target);
  return {place.x.step, 0, place.x.origin, 0, place.y.step, place.y.origin};
}

template <typename Value>
Affine fitTo(const ImageView& image, const FitOptions& options, const PixelTarget& target, Value* data) {
  if (std::holds_alternative<Letterbox>(options.mode))
    return place(image, options, letterbox(image, options), target, data);
  const CropBox whole{0, 0, static_cast<double>(image.width), static_cast<double>(image.height)};
  if (std::holds_alternative<Stretch>(options.mode))
    return place(image, options, placeBox(image, options, whole), target, data);
  if (const CropBox* box = std::get_if<CropBox>(&options.mode))
    return place(image, options, placeBox(image, options, *box), target, data);
  const Affine& toSource = std::get<Affine>(options.mode);
  warp(image, toSource, options.width, options.height, options.pad, target);
  return toSource;
}

}  // namespace

Affine fit(const ImageView& image, const FitOptions& options, std::span<float> target) {
  assert(target.size() == 3 * options.width * options.height);
  return fitTo(image, options, pixelTarget(options, target.data(), nullptr), target.data());
}

Affine fit(const ImageView& image, const FitOptions& options, std::span<std::uint8_t> target) {
  assert(target.size() == 3 * options.width * options.height);
  return fitTo(image, options, pixelTarget(options, nullptr, target.data()), target.data());
}

void convertToRgb(const ImageView& image, std::size_t width, std::size_t height, std::span<std::uint8_t> target) {
  assert(target.size() >= rgbStride(width) * height);
  const PixelTarget pixels{nullptr, target.data(), rgbStride(width), 3, 1, {}, {}};
  resample(image, wholeAxis(image.width, 0, width), wholeAxis(image.height, 0, height), pixels);
}

}  // namespace hailstream
