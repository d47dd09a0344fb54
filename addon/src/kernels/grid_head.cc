#include "kernels/grid_head.h"

#include <algorithm>

namespace hailstream {
namespace {

/** Of a score of 1 the logit has no bound; sigmoids this close to it are checked one by one. */
constexpr float highestFloor = 0.9999f;

}  // namespace

Grid gridOf(const TensorView& tensor, GridLayout layout) {
  const auto& [data, shape] = tensor;
  if (layout == GridLayout::nhwc) return {data.data(), shape[3], shape[2], shape[1] * shape[2], 1, shape[3]};
  const std::size_t cells = shape[2] * shape[3];
  return {data.data(), shape[1], shape[3], cells, cells, 1};
}

bool fitsStride(const Grid& grid, const DecodeOptions& options, std::size_t stride) {
  const auto width = static_cast<std::size_t>(std::ceil(options.inputWidth / static_cast<double>(stride)));
  const auto height = static_cast<std::size_t>(std::ceil(options.inputHeight / static_cast<double>(stride)));
  return grid.width == width && grid.cells == width * height;
}

Grid Grid::slice(std::size_t first, std::size_t count) const {
  Grid part = *this;
  part.data += first * channelStride;
  part.channels = count;
  return part;
}

std::optional<GridHeads> groupGrids(std::span<const TensorView> tensors, const DecodeOptions& options,
                                    GridLayout layout) {
  GridHeads heads;
  for (const auto& tensor : tensors) {
    if (tensor.shape.size() != 4 || tensor.shape[0] != 1) return std::nullopt;
    const Grid grid = gridOf(tensor, layout);
    const auto stride =
        std::ranges::find_if(strides, [&](std::size_t size) { return fitsStride(grid, options, size); });
    if (stride == strides.end()) return std::nullopt;
    heads[static_cast<std::size_t>(stride - strides.begin())].push_back(grid);
  }
  return heads;
}

ScoreGrid scoresOf(const Grid& grid) {
  return {grid.data, grid.cells, grid.channels, grid.cellStride, grid.channelStride};
}

float floorLogit(float score) {
  const float capped = std::min(score, highestFloor);
  const float logit = std::log(capped / (1 - capped));
  return logit - 1e-3f * (1 + std::abs(logit));
}

}  // namespace hailstream
