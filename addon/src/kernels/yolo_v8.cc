#include <cmath>

#include "kernels/best_class.h"
#include "kernels/keypoints.h"
#include "kernels/nms.h"

/** Heads of YOLOv8 and YOLO11 as Ultralytics exports them: boxes decoded and scores squashed inside of the graph. */
namespace hailstream {
namespace {

constexpr std::size_t boxFeatures = 4;
constexpr std::size_t poseFeatures = boxFeatures + 1 + 3 * jointCount;

/** One value per feature and place (anchor); features are cx cy w h, then scores, then joints. */
struct Head {
  const float* data;
  std::size_t places;
  std::size_t features;
  std::size_t placeStride;
  std::size_t featureStride;

  float at(std::size_t place, std::size_t feature) const { return data[place * placeStride + feature * featureStride]; }
};

/** Anchors of a network with strides 8, 16 and 32. */
std::size_t anchorCount(const DecodeOptions& options) {
  double count = 0;
  for (const double stride : {8.0, 16.0, 32.0}) {
    count += std::ceil(options.inputWidth / stride) * std::ceil(options.inputHeight / stride);
  }
  return static_cast<std::size_t>(count);
}

bool isMatrix(std::span<const TensorView> tensors) {
  return tensors.size() == 1 && tensors[0].shape.size() == 3 && tensors[0].shape[0] == 1;
}

Head readHead(const TensorView& tensor, bool featuresFirst) {
  const auto& [data, shape] = tensor;
  if (featuresFirst) return {data.data(), shape[2], shape[1], 1, shape[2]};
  return {data.data(), shape[1], shape[2], shape[2], 1};
}

/** The axis as long as the network has anchors counts them; where the input's size does not tell, the longer one does.
 */
Head readBoxHead(std::span<const TensorView> tensors, const DecodeOptions& options) {
  constexpr auto expected = "one tensor [1 × 4+C × N] or [1 × N × 4+C] with C ≥ 1";
  if (!isMatrix(tensors)) rejectTensors("yolo-v8", expected, tensors);
  const auto& shape = tensors[0].shape;
  const std::size_t anchors = anchorCount(options);
  const bool told = (shape[1] == anchors) != (shape[2] == anchors);
  const Head head = readHead(tensors[0], told ? shape[2] == anchors : shape[1] <= shape[2]);
  if (head.features <= boxFeatures) rejectTensors("yolo-v8", expected, tensors);
  return head;
}

Head readPoseHead(std::span<const TensorView> tensors) {
  if (!isMatrix(tensors)) rejectTensors("yolo-v8-pose", "one tensor [1 × 56 × N] or [1 × N × 56]", tensors);
  const Head head = readHead(tensors[0], tensors[0].shape[1] == poseFeatures);
  if (head.features != poseFeatures) rejectTensors("yolo-v8-pose", "one tensor [1 × 56 × N] or [1 × N × 56]", tensors);
  return head;
}

Box boxAt(const Head& head, std::size_t place) {
  const float x = head.at(place, 0);
  const float y = head.at(place, 1);
  const float halfWidth = head.at(place, 2) / 2;
  const float halfHeight = head.at(place, 3) / 2;
  return {x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight};
}

Pose poseAt(const Head& head, std::size_t place) {
  Pose pose;
  for (std::size_t joint = 0; joint < jointCount; joint++) {
    const std::size_t feature = boxFeatures + 1 + 3 * joint;
    pose[joint] = {head.at(place, feature), head.at(place, feature + 1), head.at(place, feature + 2)};
  }
  return pose;
}

std::vector<Candidate> findCandidates(const Head& head, std::size_t classes, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  const float* scores = head.data + boxFeatures * head.featureStride;
  findBest({scores, head.places, classes, head.placeStride, head.featureStride}, options.minScore, 0, candidates);
  keepBest(candidates, options);
  return candidates;
}

/**
 * `yolo-v8`: one tensor `[1 × 4+C × N]` or `[1 × N × 4+C]`: cx cy w h in input pixels, then C scores 0 to 1; the best
 * class of each place counts, as in Ultralytics' single-label suppression. Rows `[count × 6] float32: x1 y1 x2 y2 score
 * class`.
 */
std::vector<float> decodeBoxes(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const Head head = readBoxHead(tensors, options);
  std::vector<Detection> detections;
  for (const auto& candidate : findCandidates(head, head.features - boxFeatures, options)) {
    detections.push_back({boxAt(head, candidate.place), candidate});
  }
  return boxRows(suppress(detections, options));
}

/**
 * `yolo-v8-pose`: one tensor `[1 × 56 × N]` or `[1 × N × 56]`: cx cy w h in input pixels, one score, then 17 × (x y
 * score) in input pixels. Rows `[count × 57] float32: x1 y1 x2 y2 score class, then 17 × (x y score)`; a row with a
 * joint that is not finite is dropped.
 */
std::vector<float> decodePoses(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const Head head = readPoseHead(tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findCandidates(head, 1, options)) {
    if (!isFinite(poseAt(head, candidate.place))) continue;
    detections.push_back({boxAt(head, candidate.place), candidate});
  }
  std::vector<float> rows;
  for (const auto& detection : suppress(detections, options)) {
    appendBox(rows, detection);
    appendPose(rows, poseAt(head, detection.candidate.place), options);
  }
  return rows;
}

const KernelEntry boxes{"yolo-v8", 6, decodeBoxes};
const KernelEntry poses{"yolo-v8-pose", 6 + 3 * jointCount, decodePoses};

}  // namespace
}  // namespace hailstream
