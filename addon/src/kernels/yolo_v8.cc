#include "kernels/keypoints.h"
#include "kernels/matrix_head.h"

/** Boxes and poses of YOLOv8 and YOLO11, decoded inside of the graph. */
namespace hailstream {
namespace {

constexpr std::size_t boxFeatures = matrixBoxFeatures;
constexpr std::size_t poseFeatures = boxFeatures + 1 + 3 * jointCount;

MatrixHead readBoxHead(std::span<const TensorView> tensors, const DecodeOptions& options) {
  constexpr auto expected = "one tensor [1 × 4+C × N] or [1 × N × 4+C] with C ≥ 1";
  if (tensors.size() != 1 || !isMatrix(tensors[0])) rejectTensors("yolo-v8", expected, tensors);
  const auto head = readMatrixHead(tensors[0], options, boxFeatures);
  if (!head) rejectTensors("yolo-v8", expected, tensors);
  return *head;
}

MatrixHead readPoseHead(std::span<const TensorView> tensors) {
  constexpr auto expected = "one tensor [1 × 56 × N] or [1 × N × 56]";
  if (tensors.size() != 1 || !isMatrix(tensors[0])) rejectTensors("yolo-v8-pose", expected, tensors);
  const MatrixHead head = readMatrix(tensors[0], tensors[0].shape[1] == poseFeatures);
  if (head.features != poseFeatures) rejectTensors("yolo-v8-pose", expected, tensors);
  return head;
}

Pose poseAt(const MatrixHead& head, std::size_t place) {
  Pose pose;
  for (std::size_t joint = 0; joint < jointCount; joint++) {
    const std::size_t feature = boxFeatures + 1 + 3 * joint;
    pose[joint] = {head.at(place, feature), head.at(place, feature + 1), head.at(place, feature + 2)};
  }
  return pose;
}

/**
 * `yolo-v8`: one tensor `[1 × 4+C × N]` or `[1 × N × 4+C]`: cx cy w h in input pixels, then C scores 0 to 1; the best
 * class of each place counts, as in Ultralytics' single-label suppression. Rows `[count × 6] float32: x1 y1 x2 y2 score
 * class`.
 */
std::vector<float> decodeBoxes(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const MatrixHead head = readBoxHead(tensors, options);
  std::vector<Detection> detections;
  for (const auto& candidate : findMatrixCandidates(head, head.features - boxFeatures, options)) {
    detections.push_back({matrixBoxAt(head, candidate.place), candidate});
  }
  return boxRows(suppress(detections, options));
}

/**
 * `yolo-v8-pose`: one tensor `[1 × 56 × N]` or `[1 × N × 56]`: cx cy w h in input pixels, one score, then 17 × (x y
 * score) in input pixels. Rows `[count × 57] float32: x1 y1 x2 y2 score class, then 17 × (x y score)`; a row with a
 * joint that is not finite is dropped.
 */
std::vector<float> decodePoses(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const MatrixHead head = readPoseHead(tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findMatrixCandidates(head, 1, options)) {
    if (!isFinite(poseAt(head, candidate.place))) continue;
    detections.push_back({matrixBoxAt(head, candidate.place), candidate});
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
