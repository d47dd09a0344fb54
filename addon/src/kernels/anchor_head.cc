#include "kernels/anchor_head.h"

#include <algorithm>
#include <iterator>

namespace hailstream {
namespace {

constexpr std::size_t anchorsPerCell = 3;

/** Width and height in input pixels, per stride 8, 16 and 32. */
constexpr float anchorSizes[strides.size()][anchorsPerCell][2] = {
    {{10, 13}, {16, 30}, {33, 23}}, {{30, 61}, {62, 45}, {59, 119}}, {{116, 90}, {156, 198}, {373, 326}}};

/** From three grids per stride, one per anchor. */
std::optional<AnchorHeads> toAnchorHeads(const GridHeads& grids) {
  AnchorHeads heads;
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    if (grids[i].size() != anchorsPerCell) return std::nullopt;
    for (std::size_t anchor = 0; anchor < anchorsPerCell; anchor++) {
      const Grid& grid = grids[i][anchor];
      if (grid.channels <= anchorBoxFeatures || grid.channels != grids[0][0].channels) return std::nullopt;
      const auto& [width, height] = anchorSizes[i][anchor];
      heads.push_back({grid, static_cast<float>(strides[i]), width, height, places});
      places += static_cast<std::uint32_t>(grid.cells);
    }
  }
  return heads;
}

float shareOf(float value, const DecodeOptions& options) {
  return options.activated ? value : sigmoid(value);
}

/** Scores only the places whose objectness could pass alone. */
void findInGrid(const AnchorHead& head, std::size_t classCount, const DecodeOptions& options,
                std::vector<Candidate>& candidates) {
  const float floor = options.activated ? options.minScore : floorLogit(options.minScore);
  const Grid classes = head.grid.slice(anchorBoxFeatures, classCount);
  for (std::size_t cell = 0; cell < head.grid.cells; cell++) {
    const float objectness = head.grid.at(anchorBoxFeatures - 1, cell);
    if (!(objectness >= floor)) continue;
    const std::size_t before = candidates.size();
    const ScoreGrid one{classes.data + cell * classes.cellStride, 1, classes.channels, classes.cellStride,
                        classes.channelStride};
    findBestScalar(one, floor, head.firstPlace + static_cast<std::uint32_t>(cell), candidates);
    if (candidates.size() == before) continue;
    candidates.back().score = shareOf(candidates.back().score, options) * shareOf(objectness, options);
    if (!(candidates.back().score >= options.minScore)) candidates.pop_back();
  }
}

}  // namespace

std::optional<AnchorHeads> splitAnchorChannels(const GridHeads& grids) {
  GridHeads split;
  for (std::size_t i = 0; i < strides.size(); i++) {
    if (grids[i].size() != 1 || grids[i][0].channels % anchorsPerCell != 0) return std::nullopt;
    const std::size_t features = grids[i][0].channels / anchorsPerCell;
    for (std::size_t anchor = 0; anchor < anchorsPerCell; anchor++) {
      split[i].push_back(grids[i][0].slice(anchor * features, features));
    }
  }
  return toAnchorHeads(split);
}

std::optional<AnchorHeads> splitAnchorAxis(std::span<const TensorView> tensors, const DecodeOptions& options) {
  std::vector<TensorView> parts;
  for (const auto& [data, shape] : tensors) {
    if (shape.size() != 5 || shape[0] != 1 || shape[1] != anchorsPerCell) return std::nullopt;
    const std::size_t values = data.size() / anchorsPerCell;
    for (std::size_t anchor = 0; anchor < anchorsPerCell; anchor++) {
      parts.push_back({data.subspan(anchor * values, values), {1, shape[2], shape[3], shape[4]}});
    }
  }
  const auto grids = groupGrids(parts, options, GridLayout::nhwc);
  return grids ? toAnchorHeads(*grids) : std::nullopt;
}

const AnchorHead& headOf(const AnchorHeads& heads, std::uint32_t place) {
  return *std::prev(std::ranges::upper_bound(heads, place, {}, &AnchorHead::firstPlace));
}

Box anchorBoxAt(const AnchorHeads& heads, std::uint32_t place, const DecodeOptions& options) {
  const AnchorHead& head = headOf(heads, place);
  const std::size_t cell = place - head.firstPlace;
  const auto share = [&](std::size_t channel) { return shareOf(head.grid.at(channel, cell), options); };
  const float x = (share(0) * 2 - 0.5f + static_cast<float>(cell % head.grid.width)) * head.stride;
  const float y = (share(1) * 2 - 0.5f + static_cast<float>(cell / head.grid.width)) * head.stride;
  const float widthRoot = share(2) * 2;
  const float heightRoot = share(3) * 2;
  const float halfWidth = widthRoot * widthRoot * head.width / 2;
  const float halfHeight = heightRoot * heightRoot * head.height / 2;
  return {x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight};
}

std::vector<Candidate> findAnchorCandidates(const AnchorHeads& heads, std::size_t classes,
                                            const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  for (const auto& head : heads) findInGrid(head, classes, options, candidates);
  keepBest(candidates, options);
  return candidates;
}

}  // namespace hailstream
