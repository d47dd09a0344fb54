#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/grid_head.h"
#include "kernels/keypoints.h"
#include "kernels/nms.h"

/**
 * Heads of YOLOv8 and YOLO11 before their in-graph decoding, as accelerators give them. Boxes: distribution focal loss
 * (Li et al. 2020, "Generalized Focal Loss"), anchors in the middle of their cells, as in Ultralytics' `dist2bbox` and
 * `Pose.kpts_decode`.
 */
namespace hailstream {
namespace {

constexpr std::size_t bins = 16;
constexpr std::size_t boxChannels = 4 * bins;
constexpr std::size_t jointChannels = 3 * jointCount;

/** What one stride's grid gives. `joints` has no channels in a head without. */
struct StrideHead {
  Grid boxes;
  Grid classes;
  Grid joints;
  std::size_t stride;
  std::uint32_t firstPlace;
};

using Heads = std::array<StrideHead, strides.size()>;

/** Boxes and classes of a stride, apart or as one tensor, boxes first. */
bool readBoxes(const std::vector<Grid>& grids, StrideHead& head) {
  if (grids.size() == 1 && grids[0].channels > boxChannels) {
    head.boxes = grids[0].slice(0, boxChannels);
    head.classes = grids[0].slice(boxChannels, grids[0].channels - boxChannels);
    return true;
  }
  if (grids.size() != 2) return false;
  const std::size_t boxes = grids[0].channels == boxChannels ? 0 : 1;
  head.boxes = grids[boxes];
  head.classes = grids[1 - boxes];
  return head.boxes.channels == boxChannels && head.classes.channels > 0;
}

/** Takes the tensor of joints out; false when there is not exactly one. */
bool takeJoints(std::vector<Grid>& grids, StrideHead& head) {
  const auto joints = std::ranges::find(grids, jointChannels, &Grid::channels);
  if (joints == grids.end()) return false;
  head.joints = *joints;
  grids.erase(joints);
  return true;
}

bool isPoseHead(const StrideHead& head) {
  return head.classes.channels == 1;
}

template <bool withJoints>
std::optional<Heads> readHeads(GridHeads grids) {
  Heads heads{};
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    if (withJoints && !takeJoints(grids[i], heads[i])) return std::nullopt;
    if (!readBoxes(grids[i], heads[i])) return std::nullopt;
    if (withJoints && !isPoseHead(heads[i])) return std::nullopt;
    if (heads[i].classes.channels != heads[0].classes.channels) return std::nullopt;
    heads[i].stride = strides[i];
    heads[i].firstPlace = places;
    places += static_cast<std::uint32_t>(heads[i].classes.cells);
  }
  return heads;
}

const StrideHead& headOf(const Heads& heads, std::uint32_t place) {
  if (place >= heads[2].firstPlace) return heads[2];
  return place >= heads[1].firstPlace ? heads[1] : heads[0];
}

/** Expectation of the softmax over the 16 bins of one side, in cells. */
float distance(const Grid& boxes, std::size_t side, std::size_t cell) {
  float highest = -std::numeric_limits<float>::infinity();
  for (std::size_t bin = 0; bin < bins; bin++) highest = std::max(highest, boxes.at(side * bins + bin, cell));
  float sum = 0;
  float weighted = 0;
  for (std::size_t bin = 0; bin < bins; bin++) {
    const float weight = std::exp(boxes.at(side * bins + bin, cell) - highest);
    sum += weight;
    weighted += weight * static_cast<float>(bin);
  }
  return weighted / sum;
}

Box boxAt(const StrideHead& head, std::size_t cell) {
  const auto stride = static_cast<float>(head.stride);
  const float x = static_cast<float>(cell % head.boxes.width) + 0.5f;
  const float y = static_cast<float>(cell / head.boxes.width) + 0.5f;
  return {(x - distance(head.boxes, 0, cell)) * stride, (y - distance(head.boxes, 1, cell)) * stride,
          (x + distance(head.boxes, 2, cell)) * stride, (y + distance(head.boxes, 3, cell)) * stride};
}

Pose poseAt(const StrideHead& head, std::size_t cell) {
  const auto stride = static_cast<float>(head.stride);
  const auto x = static_cast<float>(cell % head.joints.width);
  const auto y = static_cast<float>(cell / head.joints.width);
  Pose pose;
  for (std::size_t joint = 0; joint < jointCount; joint++) {
    pose[joint] = {(head.joints.at(3 * joint, cell) * 2 + x) * stride,
                   (head.joints.at(3 * joint + 1, cell) * 2 + y) * stride,
                   sigmoid(head.joints.at(3 * joint + 2, cell))};
  }
  return pose;
}

std::vector<Candidate> findCandidates(const Heads& heads, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  const float floor = options.activated ? options.minScore : floorLogit(options.minScore);
  for (const auto& head : heads) findBest(scoresOf(head.classes), floor, head.firstPlace, candidates);
  for (auto& candidate : candidates) {
    if (!options.activated) candidate.score = sigmoid(candidate.score);
  }
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.score < options.minScore; });
  keepBest(candidates, options);
  return candidates;
}

/**
 * `yolo-v8-raw`: per stride 8, 16 and 32 a tensor of 64 channels (left, top, right, bottom × 16 bins, in cells) and one
 * of C class logits (scores where `activated`), or both as one of 64 + C channels; all NCHW or all NHWC, in any order.
 * Rows as `yolo-v8`.
 */
std::vector<float> decodeBoxes(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readGrids(tensors, options, readHeads<false>);
  if (!heads)
    rejectTensors("yolo-v8-raw", "per stride 8, 16 and 32 [1 × 64 × h × w] and [1 × C × h × w], or [1 × 64+C × h × w]",
                  tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findCandidates(*heads, options)) {
    const auto& head = headOf(*heads, candidate.place);
    detections.push_back({boxAt(head, candidate.place - head.firstPlace), candidate});
  }
  return boxRows(suppress(detections, options));
}

/**
 * `yolo-v8-pose-raw`: as `yolo-v8-raw` with one class, and per stride a tensor of 51 channels: 17 × (x, y in half cells
 * from the cell's corner, score logit). Rows as `yolo-v8-pose`.
 */
std::vector<float> decodePoses(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readGrids(tensors, options, readHeads<true>);
  if (!heads)
    rejectTensors("yolo-v8-pose-raw", "per stride 8, 16 and 32 [1 × 64 × h × w], [1 × 1 × h × w] and [1 × 51 × h × w]",
                  tensors);
  const auto poseOf = [&](std::uint32_t place) {
    const auto& head = headOf(*heads, place);
    return poseAt(head, place - head.firstPlace);
  };
  std::vector<Detection> detections;
  for (const auto& candidate : findCandidates(*heads, options)) {
    const auto& head = headOf(*heads, candidate.place);
    if (!isFinite(poseOf(candidate.place))) continue;
    detections.push_back({boxAt(head, candidate.place - head.firstPlace), candidate});
  }
  std::vector<float> rows;
  for (const auto& detection : suppress(detections, options)) {
    appendBox(rows, detection);
    appendPose(rows, poseOf(detection.candidate.place), options);
  }
  return rows;
}

const KernelEntry boxes{"yolo-v8-raw", 6, decodeBoxes};
const KernelEntry poses{"yolo-v8-pose-raw", 6 + jointChannels, decodePoses};

}  // namespace
}  // namespace hailstream
