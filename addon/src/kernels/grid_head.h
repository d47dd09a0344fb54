#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/best_class.h"
#include "kernels/kernel.h"

namespace hailstream {

/** Input pixels from one cell to the next, per head of YOLOv5, v8 and 11. */
inline constexpr std::array<std::size_t, 3> strides = {8, 16, 32};

/** A head's channels over its grid of cells: the value of channel c at cell y·width + x is `data[c·channelStride +
 * cell·cellStride]`. */
struct Grid {
  const float* data;
  std::size_t channels;
  std::size_t width;
  std::size_t cells;
  std::size_t channelStride;
  std::size_t cellStride;

  float at(std::size_t channel, std::size_t cell) const { return data[channel * channelStride + cell * cellStride]; }
  Grid slice(std::size_t first, std::size_t count) const;
};

/** The tensors of every stride, in the order in which they came. */
using GridHeads = std::array<std::vector<Grid>, strides.size()>;

enum class GridLayout { nchw, nhwc };

/** A tensor of 4 axes as a grid. */
Grid gridOf(const TensorView& tensor, GridLayout layout);

/** Whether the grid has as many cells across and down as the input at this stride. */
bool fitsStride(const Grid& grid, const DecodeOptions& options, std::size_t stride);

/** Sorts 4-axis tensors by the stride that their grid tells; nothing when one fits no stride of the input. */
std::optional<GridHeads> groupGrids(std::span<const TensorView> tensors, const DecodeOptions& options,
                                    GridLayout layout);

/**
 * Reads heads whose layout only their sizes tell: all `[1 × channels × h × w]`, or else all `[1 × h × w × channels]`.
 * `read` makes the heads of the grids, or nothing when the channels make no sense in this layout.
 */
template <typename Read>
auto readGrids(std::span<const TensorView> tensors, const DecodeOptions& options, Read read)
    -> decltype(read(GridHeads())) {
  for (const auto layout : {GridLayout::nchw, GridLayout::nhwc}) {
    const auto grids = groupGrids(tensors, options, layout);
    if (!grids) continue;
    if (auto heads = read(*grids)) return heads;
  }
  return std::nullopt;
}

/** The grid's channels as class logits or scores. */
ScoreGrid scoresOf(const Grid& grid);

inline float sigmoid(float value) {
  return 1 / (1 + std::exp(-value));
}

/** A logit a little below the one whose sigmoid is `score`: what lies under it cannot pass, what lies above is still to
 * be checked. */
float floorLogit(float score);

}  // namespace hailstream
