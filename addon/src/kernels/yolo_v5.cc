#include "kernels/anchor_head.h"

/** Heads of YOLOv5 (Ultralytics): objectness × class score, with and without their in-graph decoding. */
namespace hailstream {
namespace {

constexpr std::size_t boxFeatures = anchorBoxFeatures;

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

/**
 * `yolo-v5-raw`: per stride 8, 16 and 32 one tensor of logits (of their sigmoids where `activated`)
 * `[1 × 3·(5+C) × h × w]`, `[1 × h × w × 3·(5+C)]` or `[1 × 3 × h × w × 5+C]`, in any order, with the anchors of the
 * published COCO models. Rows as `yolo-v5`.
 */
std::vector<float> decodeGrids(std::span<const TensorView> tensors, const DecodeOptions& options) {
  auto heads = splitAnchorAxis(tensors, options);
  if (!heads) heads = readGrids(tensors, options, splitAnchorChannels);
  if (!heads)
    rejectTensors("yolo-v5-raw", "per stride 8, 16 and 32 [1 × 3·(5+C) × h × w] or [1 × 3 × h × w × 5+C]", tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findAnchorCandidates(*heads, heads->front().grid.channels - boxFeatures, options)) {
    detections.push_back({anchorBoxAt(*heads, candidate.place, options), candidate});
  }
  return boxRows(suppress(detections, options));
}

const KernelEntry rows{"yolo-v5", 6, decodeRows};
const KernelEntry grids{"yolo-v5-raw", 6, decodeGrids};

}  // namespace
}  // namespace hailstream
