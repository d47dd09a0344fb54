#include "kernels/masks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/error.h"

namespace hailstream {
namespace {

constexpr std::size_t prototypeStride = 4;
/** Sums that the compiler may keep in one register. */
constexpr std::size_t lanes = 8;

/** NaN, which a broken network gives, is no part of a mask. */
std::uint8_t toShare(float logit) {
  const float share = sigmoid(logit) * 255.999f;
  return share >= 0 ? static_cast<std::uint8_t>(share) : std::uint8_t{0};
}

std::size_t toCell(double edge, std::size_t cells) {
  return static_cast<std::size_t>(std::clamp(edge, 0.0, static_cast<double>(cells)));
}

/** Of a box what lies on the source. All of it where the way to the source cannot be turned back. */
Box onSource(const Box& box, const DecodeOptions& options) {
  const auto [a, b, c, d, e, f] = options.toSource;
  const double determinant = a * e - b * d;
  Box inside{box.x2, box.y2, box.x1, box.y1};
  for (const double x : {0.0, options.sourceWidth}) {
    for (const double y : {0.0, options.sourceHeight}) {
      const auto column = static_cast<float>((e * (x - c) - b * (y - f)) / determinant);
      const auto row = static_cast<float>((a * (y - f) - d * (x - c)) / determinant);
      if (!std::isfinite(column) || !std::isfinite(row)) return box;
      inside = {std::min(inside.x1, column), std::min(inside.y1, row), std::max(inside.x2, column),
                std::max(inside.y2, row)};
    }
  }
  return {std::max(box.x1, inside.x1), std::max(box.y1, inside.y1), std::min(box.x2, inside.x2),
          std::min(box.y2, inside.y2)};
}

/** Cells of one row whose channels lie side by side. */
void sumPerCell(const Grid& prototypes, std::span<const float> coefficients, std::size_t first, std::span<float> sums) {
  for (std::size_t i = 0; i < sums.size(); i++) {
    const float* values = prototypes.data + (first + i) * prototypes.cellStride;
    std::array<float, lanes> partial{};
    std::size_t channel = 0;
    for (; channel + lanes <= coefficients.size(); channel += lanes) {
      for (std::size_t lane = 0; lane < lanes; lane++)
        partial[lane] += coefficients[channel + lane] * values[channel + lane];
    }
    float sum = 0;
    for (; channel < coefficients.size(); channel++) sum += coefficients[channel] * values[channel];
    for (const float value : partial) sum += value;
    sums[i] = sum;
  }
}

/** Cells of one row that lie side by side in each channel. */
void sumPerChannel(const Grid& prototypes, std::span<const float> coefficients, std::size_t first,
                   std::span<float> sums) {
  std::ranges::fill(sums, 0.0f);
  for (std::size_t channel = 0; channel < coefficients.size(); channel++) {
    const float* values = prototypes.data + channel * prototypes.channelStride + first;
    const float coefficient = coefficients[channel];
    for (std::size_t i = 0; i < sums.size(); i++) sums[i] += coefficient * values[i];
  }
}

}  // namespace

MaskCrop MaskSheet::cropOf(const Box& box, const DecodeOptions& options) const {
  const double across = static_cast<double>(width_) / options.inputWidth;
  const double down = static_cast<double>(height_) / options.inputHeight;
  const Box inside = onSource(box, options);
  const std::size_t left = toCell(std::floor(inside.x1 * across), width_);
  const std::size_t top = toCell(std::floor(inside.y1 * down), height_);
  const std::size_t right = std::max(left, toCell(std::ceil(inside.x2 * across), width_));
  const std::size_t bottom = std::max(top, toCell(std::ceil(inside.y2 * down), height_));
  return {left, top, right - left, bottom - top};
}

std::span<std::uint8_t> MaskSheet::take(const MaskCrop& crop) {
  const std::size_t bytes = crop.width * crop.height;
  if (bytes > memory_.size() - used_)
    throw Error(ErrorCode::tooLarge, "Expected room for the masks' " + std::to_string(used_ + bytes) +
                                         " bytes or more, received " + std::to_string(memory_.size()) +
                                         ". Ask for fewer rows or a higher score");
  const auto part = memory_.subspan(used_, bytes);
  used_ += bytes;
  return part;
}

void appendMaskRow(std::vector<float>& rows, const Detection& detection, const MaskCrop& crop) {
  appendBox(rows, detection);
  for (const auto value : {crop.x, crop.y, crop.width, crop.height}) rows.push_back(static_cast<float>(value));
}

std::optional<Grid> takePrototypes(std::vector<TensorView>& tensors, const DecodeOptions& options, GridLayout layout) {
  const auto isPrototypes = [&](const TensorView& tensor) {
    return tensor.shape.size() == 4 && tensor.shape[0] == 1 &&
           fitsStride(gridOf(tensor, layout), options, prototypeStride);
  };
  const auto found = std::ranges::find_if(tensors, isPrototypes);
  if (found == tensors.end() || std::any_of(std::next(found), tensors.end(), isPrototypes)) return std::nullopt;
  const Grid grid = gridOf(*found, layout);
  tensors.erase(found);
  return grid.channels > 0 ? std::optional(grid) : std::nullopt;
}

void writeMask(const Grid& prototypes, std::span<const float> coefficients, const MaskCrop& crop,
               std::span<std::uint8_t> target) {
  std::vector<float> sums(crop.width);
  for (std::size_t y = 0; y < crop.height; y++) {
    const std::size_t first = (crop.y + y) * prototypes.width + crop.x;
    if (prototypes.cellStride == 1)
      sumPerChannel(prototypes, coefficients, first, sums);
    else
      sumPerCell(prototypes, coefficients, first, sums);
    std::ranges::transform(sums, target.subspan(y * crop.width).begin(), toShare);
  }
}

void writeMaskScalar(const Grid& prototypes, std::span<const float> coefficients, const MaskCrop& crop,
                     std::span<std::uint8_t> target) {
  for (std::size_t y = 0; y < crop.height; y++) {
    for (std::size_t x = 0; x < crop.width; x++) {
      float sum = 0;
      for (std::size_t channel = 0; channel < coefficients.size(); channel++)
        sum += coefficients[channel] * prototypes.at(channel, (crop.y + y) * prototypes.width + crop.x + x);
      target[y * crop.width + x] = toShare(sum);
    }
  }
}

}  // namespace hailstream
