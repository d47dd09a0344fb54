#include <algorithm>
#include <iterator>

#include "kernels/grid_head.h"
#include "kernels/nms.h"

/** Heads of YOLOv5 (Ultralytics): objectness × class score, with and without their in-graph decoding. */
namespace hailstream {
namespace {

constexpr std::size_t boxFeatures = 5;
constexpr std::size_t anchorsPerCell = 3;

/** Width and height in input pixels; the anchors of the published COCO models, per stride 8, 16 and 32. */
constexpr float anchorSizes[strides.size()][anchorsPerCell][2] = {
    {{10, 13}, {16, 30}, {33, 23}}, {{30, 61}, {62, 45}, {59, 119}}, {{116, 90}, {156, 198}, {373, 326}}};

/** One anchor of one stride over its grid: channels x y w h objectness, then classes, all logits. */
struct AnchorHead {
  Grid grid;
  float stride;
  float width;
  float height;
  std::uint32_t firstPlace;
};

/** Takes only what passes with its objectness; scores are at most 1, so that neither factor may lie under minScore
 * alone. */
void findInRow(const float* row, std::size_t classes, std::uint32_t place, float minScore,
               std::vector<Candidate>& candidates) {
  const float objectness = row[boxFeatures - 1];
  if (!(objectness >= minScore)) return;
  const std::size_t before = candidates.size();
  findBest({row + boxFeatures, 1, classes, boxFeatures + classes, 1}, minScore, place, candidates);
  if (candidates.size() == before) return;
  candidates.back().score *= objectness;
  if (!(candidates.back().score >= minScore)) candidates.pop_back();
}

/**
 * `yolo-v5`: one tensor `[1 × N × 5+C]`: cx cy w h in input pixels, objectness and C class scores 0 to 1. The best
 * class of each place counts. Rows `[count × 6] float32: x1 y1 x2 y2 score class`.
 */
std::vector<float> decodeRows(std::span<const TensorView> tensors, const DecodeOptions& options) {
  if (tensors.size() != 1 || tensors[0].shape.size() != 3 || tensors[0].shape[0] != 1 ||
      tensors[0].shape[2] <= boxFeatures)
    rejectTensors("yolo-v5", "one tensor [1 × N × 5+C] with C ≥ 1", tensors);
  const auto& [data, shape] = tensors[0];
  const std::size_t features = shape[2];
  std::vector<Candidate> candidates;
  for (std::size_t place = 0; place < shape[1]; place++) {
    findInRow(data.data() + place * features, features - boxFeatures, static_cast<std::uint32_t>(place),
              options.minScore, candidates);
  }
  keepBest(candidates, options);
  std::vector<Detection> detections;
  for (const auto& candidate : candidates) {
    const float* row = data.data() + candidate.place * features;
    const float halfWidth = row[2] / 2;
    const float halfHeight = row[3] / 2;
    detections.push_back(
        {{row[0] - halfWidth, row[1] - halfHeight, row[0] + halfWidth, row[1] + halfHeight}, candidate});
  }
  return boxRows(suppress(detections, options));
}

using AnchorHeads = std::vector<AnchorHead>;

/** From three grids per stride, one per anchor, their heads in the order of the in-graph decoding. */
std::optional<AnchorHeads> toAnchorHeads(const GridHeads& grids) {
  AnchorHeads heads;
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    if (grids[i].size() != anchorsPerCell) return std::nullopt;
    for (std::size_t anchor = 0; anchor < anchorsPerCell; anchor++) {
      const Grid& grid = grids[i][anchor];
      if (grid.channels <= boxFeatures || grid.channels != grids[0][0].channels) return std::nullopt;
      const auto& [width, height] = anchorSizes[i][anchor];
      heads.push_back({grid, static_cast<float>(strides[i]), width, height, places});
      places += static_cast<std::uint32_t>(grid.cells);
    }
  }
  return heads;
}

/** Heads whose anchors lie one after another in the channels. */
std::optional<AnchorHeads> splitChannels(const GridHeads& grids) {
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

/** Heads `[1 × 3 × h × w × 5+C]`, whose anchors have an axis of their own. */
std::optional<AnchorHeads> splitAxis(std::span<const TensorView> tensors, const DecodeOptions& options) {
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

/** Scores only the places whose objectness could pass alone. */
void findInGrid(const AnchorHead& head, const DecodeOptions& options, std::vector<Candidate>& candidates) {
  const float floor = floorLogit(options.minScore);
  const Grid classes = head.grid.slice(boxFeatures, head.grid.channels - boxFeatures);
  for (std::size_t cell = 0; cell < head.grid.cells; cell++) {
    const float objectness = head.grid.at(boxFeatures - 1, cell);
    if (!(objectness >= floor)) continue;
    const std::size_t before = candidates.size();
    const ScoreGrid one{classes.data + cell * classes.cellStride, 1, classes.channels, classes.cellStride,
                        classes.channelStride};
    findBestScalar(one, floor, head.firstPlace + static_cast<std::uint32_t>(cell), candidates);
    if (candidates.size() == before) continue;
    candidates.back().score = sigmoid(candidates.back().score) * sigmoid(objectness);
    if (!(candidates.back().score >= options.minScore)) candidates.pop_back();
  }
}

Box boxAt(const AnchorHead& head, std::size_t cell) {
  const auto column = static_cast<float>(cell % head.grid.width);
  const auto row = static_cast<float>(cell / head.grid.width);
  const float x = (sigmoid(head.grid.at(0, cell)) * 2 - 0.5f + column) * head.stride;
  const float y = (sigmoid(head.grid.at(1, cell)) * 2 - 0.5f + row) * head.stride;
  const float widthRoot = sigmoid(head.grid.at(2, cell)) * 2;
  const float heightRoot = sigmoid(head.grid.at(3, cell)) * 2;
  const float halfWidth = widthRoot * widthRoot * head.width / 2;
  const float halfHeight = heightRoot * heightRoot * head.height / 2;
  return {x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight};
}

Box boxAt(const AnchorHeads& heads, std::uint32_t place) {
  const auto after = std::ranges::upper_bound(heads, place, {}, &AnchorHead::firstPlace);
  const AnchorHead& head = *std::prev(after);
  return boxAt(head, place - head.firstPlace);
}

/**
 * `yolo-v5-raw`: per stride 8, 16 and 32 one tensor of logits `[1 × 3·(5+C) × h × w]`, `[1 × h × w × 3·(5+C)]` or
 * `[1 × 3 × h × w × 5+C]`, in any order, with the anchors of the published COCO models. Rows as `yolo-v5`.
 */
std::vector<float> decodeGrids(std::span<const TensorView> tensors, const DecodeOptions& options) {
  auto heads = splitAxis(tensors, options);
  if (!heads) heads = readGrids(tensors, options, splitChannels);
  if (!heads)
    rejectTensors("yolo-v5-raw", "per stride 8, 16 and 32 [1 × 3·(5+C) × h × w] or [1 × 3 × h × w × 5+C]", tensors);
  std::vector<Candidate> candidates;
  for (const auto& head : *heads) findInGrid(head, options, candidates);
  keepBest(candidates, options);
  std::vector<Detection> detections;
  for (const auto& candidate : candidates) detections.push_back({boxAt(*heads, candidate.place), candidate});
  return boxRows(suppress(detections, options));
}

const KernelEntry rows{"yolo-v5", 6, decodeRows};
const KernelEntry grids{"yolo-v5-raw", 6, decodeGrids};

}  // namespace
}  // namespace hailstream
