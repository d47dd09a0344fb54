#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/grid_head.h"
#include "kernels/nms.h"

/**
 * Masks of rows. They lie over the network's input on a grid of cells (160 × 160 over 640 × 640, or the input's own
 * pixels), and may overlap: each row names its crop of the grid, and the crops' bytes lie one after another, in the
 * order of the rows. A byte is the share 0 to 255 with which the cell belongs to the row; from 128 on it does.
 */
namespace hailstream {

/** Part of the grid, in cells. */
struct MaskCrop {
  std::size_t x, y, width, height;
};

/** What a row of a kernel with masks has: x1 y1 x2 y2 score class, then x, y, width and height of its crop. */
inline constexpr std::size_t maskRowWidth = 10;

/** Where masks are written. Without memory the rows name their crops all the same, and no mask is worked out. */
class MaskSheet {
 public:
  explicit MaskSheet(std::span<std::uint8_t> memory = {}) : memory_(memory) {}

  void setGrid(std::size_t width, std::size_t height) { width_ = width, height_ = height; }
  /** Of the grid, in cells. */
  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }
  bool isWanted() const { return !memory_.empty(); }
  std::size_t bytesUsed() const { return used_; }
  /** The masks of all rows so far. */
  std::span<const std::uint8_t> written() const { return memory_.first(used_); }

  /** The cells that a box in input pixels touches, as far as it lies on the source. */
  MaskCrop cropOf(const Box& box, const DecodeOptions& options) const;
  /** Memory for the next row's mask; only where one is wanted. Throws `too-large` when there is not enough. */
  std::span<std::uint8_t> take(const MaskCrop& crop);

 private:
  std::span<std::uint8_t> memory_;
  std::size_t width_ = 0;
  std::size_t height_ = 0;
  std::size_t used_ = 0;
};

/** Appends the ten values of a row with a mask. */
void appendMaskRow(std::vector<float>& rows, const Detection& detection, const MaskCrop& crop);

/** Takes the one tensor out whose grid has four input pixels to a cell: the prototypes. Nothing when there is not
 * exactly one. */
std::optional<Grid> takePrototypes(std::vector<TensorView>& tensors, const DecodeOptions& options, GridLayout layout);

/**
 * Writes the crop of a mask: sigmoid of the sum of coefficient × prototype, in cells (Bolya et al. 2019, "YOLACT").
 * `coefficients` has one for each channel of the prototypes.
 */
void writeMask(const Grid& prototypes, std::span<const float> coefficients, const MaskCrop& crop,
               std::span<std::uint8_t> target);

/** The same in the plainest way: the oracle of the tests. */
void writeMaskScalar(const Grid& prototypes, std::span<const float> coefficients, const MaskCrop& crop,
                     std::span<std::uint8_t> target);

/** A kernel with masks, asked for its rows alone. */
template <DecodeMasks decodeMasks>
std::vector<float> decodeWithoutMasks(std::span<const TensorView> tensors, const DecodeOptions& options) {
  MaskSheet none;
  return decodeMasks(tensors, options, none);
}

}  // namespace hailstream
