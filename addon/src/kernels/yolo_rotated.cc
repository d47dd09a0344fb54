#include <cmath>
#include <numbers>

#include "kernels/dfl_head.h"
#include "kernels/matrix_head.h"
#include "kernels/rotated.h"

/**
 * Oriented boxes of YOLOv8 and YOLO11 (Ultralytics' OBB heads). Rows `[count × 7] float32: cx cy w h angle score class`
 * (rotated.h); they differ from those of other kernels.
 */
namespace hailstream {
namespace {

constexpr std::size_t rowWidth = 7;

/** Best first, suppressed. `boxAt(place)` is in input pixels. */
template <typename BoxAt>
std::vector<float> keepRotated(const std::vector<Candidate>& candidates, BoxAt boxAt, const DecodeOptions& options) {
  std::vector<RotatedDetection> detections;
  for (const auto& candidate : candidates) detections.push_back({boxAt(candidate.place), candidate});
  return rotatedRows(suppressRotated(detections, options));
}

/** `yolo-v8-obb`: a matrix `[1 × 4+C+1 × N]` or `[1 × N × 4+C+1]` as `yolo-v8`, whose last feature is the angle in
 * radians. */
std::vector<float> decodeInGraph(std::span<const TensorView> tensors, const DecodeOptions& options) {
  constexpr auto expected = "one tensor [1 × 4+C+1 × N] or [1 × N × 4+C+1] with C ≥ 1";
  if (tensors.size() != 1 || !isMatrix(tensors[0])) rejectTensors("yolo-v8-obb", expected, tensors);
  const auto head = readMatrixHead(tensors[0], options, matrixBoxFeatures + 1);
  if (!head) rejectTensors("yolo-v8-obb", expected, tensors);
  const auto boxAt = [&](std::uint32_t place) {
    return RotatedBox{head->at(place, 0), head->at(place, 1), head->at(place, 2), head->at(place, 3),
                      head->at(place, head->features - 1)};
  };
  return keepRotated(findMatrixCandidates(*head, head->features - matrixBoxFeatures - 1, options), boxAt, options);
}

std::optional<DflHeads> readHeads(const GridHeads& grids) {
  return readDflHeads(grids, 1);
}

/** Distances along the box's own axes, the angle from −π/4 to 3π/4, as Ultralytics' `dist2rbox` and `OBB` have them. */
RotatedBox boxAt(const DflHeads& heads, std::uint32_t place) {
  const auto& head = headOf(heads, place);
  const std::size_t cell = place - head.firstPlace;
  const auto stride = static_cast<float>(head.stride);
  const float angle = (sigmoid(head.extra.at(0, cell)) - 0.25f) * std::numbers::pi_v<float>;
  const auto [left, top, right, bottom] = dflDistances(head, cell);
  const float along = (right - left) / 2;
  const float across = (bottom - top) / 2;
  const float x = static_cast<float>(cell % head.boxes.width) + 0.5f;
  const float y = static_cast<float>(cell / head.boxes.width) + 0.5f;
  return {(x + along * std::cos(angle) - across * std::sin(angle)) * stride,
          (y + along * std::sin(angle) + across * std::cos(angle)) * stride, (left + right) * stride,
          (top + bottom) * stride, angle};
}

/** `yolo-v8-obb-raw`: as `yolo-v8-raw`, with a tensor of the angle's logit per stride (a logit also where scores are
 * `activated`). */
std::vector<float> decodeRaw(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readGrids(tensors, options, readHeads);
  if (!heads)
    rejectTensors("yolo-v8-obb-raw", "per stride 8, 16 and 32 [1 × 64 × h × w], [1 × C × h × w] and [1 × 1 × h × w]",
                  tensors);
  return keepRotated(
      findDflCandidates(*heads, options), [&](std::uint32_t place) { return boxAt(*heads, place); }, options);
}

const KernelEntry inGraph{"yolo-v8-obb", rowWidth, decodeInGraph};
const KernelEntry raw{"yolo-v8-obb-raw", rowWidth, decodeRaw};

}  // namespace
}  // namespace hailstream
