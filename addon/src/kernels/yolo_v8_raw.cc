#include "kernels/dfl_head.h"
#include "kernels/keypoints.h"

/** Heads of YOLOv8 and YOLO11 before their in-graph decoding, as accelerators give them. */
namespace hailstream {
namespace {

constexpr std::size_t jointChannels = 3 * jointCount;

std::optional<DflHeads> readBoxHeads(const GridHeads& grids) {
  return readDflHeads(grids, 0);
}

std::optional<DflHeads> readPoseHeads(const GridHeads& grids) {
  auto heads = readDflHeads(grids, jointChannels);
  return heads && heads->front().classes.channels == 1 ? heads : std::nullopt;
}

/** As Ultralytics' `Pose.kpts_decode`. */
Pose poseAt(const DflHeads& heads, std::uint32_t place) {
  const auto& head = headOf(heads, place);
  const std::size_t cell = place - head.firstPlace;
  const Grid& joints = head.extra;
  const auto stride = static_cast<float>(head.stride);
  const auto x = static_cast<float>(cell % joints.width);
  const auto y = static_cast<float>(cell / joints.width);
  Pose pose;
  for (std::size_t joint = 0; joint < jointCount; joint++) {
    pose[joint] = {(joints.at(3 * joint, cell) * 2 + x) * stride, (joints.at(3 * joint + 1, cell) * 2 + y) * stride,
                   sigmoid(joints.at(3 * joint + 2, cell))};
  }
  return pose;
}

/**
 * `yolo-v8-raw`: per stride 8, 16 and 32 a tensor of 64 channels (left, top, right, bottom × 16 bins, in cells) and one
 * of C class logits (scores where `activated`), or both as one of 64 + C channels; all NCHW or all NHWC, in any order.
 * Rows as `yolo-v8`.
 */
std::vector<float> decodeBoxes(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readGrids(tensors, options, readBoxHeads);
  if (!heads)
    rejectTensors("yolo-v8-raw", "per stride 8, 16 and 32 [1 × 64 × h × w] and [1 × C × h × w], or [1 × 64+C × h × w]",
                  tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findDflCandidates(*heads, options)) {
    detections.push_back({dflBoxAt(*heads, candidate.place), candidate});
  }
  return boxRows(suppress(detections, options));
}

/**
 * `yolo-v8-pose-raw`: as `yolo-v8-raw` with one class, and per stride a tensor of 51 channels: 17 × (x, y in half cells
 * from the cell's corner, score logit). Rows as `yolo-v8-pose`.
 */
std::vector<float> decodePoses(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readGrids(tensors, options, readPoseHeads);
  if (!heads)
    rejectTensors("yolo-v8-pose-raw", "per stride 8, 16 and 32 [1 × 64 × h × w], [1 × 1 × h × w] and [1 × 51 × h × w]",
                  tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findDflCandidates(*heads, options)) {
    if (!isFinite(poseAt(*heads, candidate.place))) continue;
    detections.push_back({dflBoxAt(*heads, candidate.place), candidate});
  }
  std::vector<float> rows;
  for (const auto& detection : suppress(detections, options)) {
    appendBox(rows, detection);
    appendPose(rows, poseAt(*heads, detection.candidate.place), options);
  }
  return rows;
}

const KernelEntry boxes{"yolo-v8-raw", 6, decodeBoxes};
const KernelEntry poses{"yolo-v8-pose-raw", 6 + jointChannels, decodePoses};

}  // namespace
}  // namespace hailstream
