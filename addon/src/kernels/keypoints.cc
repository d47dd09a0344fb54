#include "kernels/keypoints.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/nms.h"

namespace hailstream {

bool isFinite(const Pose& pose) {
  return std::ranges::all_of(pose, [](const Joint& joint) {
    return std::isfinite(joint.x) && std::isfinite(joint.y) && std::isfinite(joint.score);
  });
}

void appendPose(std::vector<float>& rows, const Pose& pose, const DecodeOptions& options) {
  for (const auto& joint : pose) {
    const Point point = toSource({joint.x, joint.y}, options);
    rows.insert(rows.end(), {point.x, point.y, joint.score});
  }
}

namespace {

/** Keeps the divisor of a place's own weight above zero; the constant of the published graph (1.7998 there, in
 * float16). */
constexpr float nearness = 1.8f;

constexpr const char* movenetTensors =
    "four tensors of one grid: centre [1 × h × w × 1], regression [1 × h × w × 34], heat [1 × h × w × 17], offset "
    "[1 × h × w × 34] (regression before offset)";

/** The heads of MoveNet's single-pose graph, NHWC; both heat maps after their sigmoid, the others in cells as (y, x)
 * pairs. */
struct MovenetHeads {
  std::size_t height;
  std::size_t width;
  const float* centre;
  const float* regression;
  const float* heat;
  const float* offset;
};

struct Cell {
  std::size_t y, x;
};

std::optional<MovenetHeads> readHeads(std::span<const TensorView> tensors) {
  if (tensors.size() != 4 || tensors[0].shape.size() != 4) return std::nullopt;
  MovenetHeads heads{tensors[0].shape[1], tensors[0].shape[2], nullptr, nullptr, nullptr, nullptr};
  for (const auto& [data, shape] : tensors) {
    if (shape.size() != 4 || shape[0] != 1 || shape[1] != heads.height || shape[2] != heads.width) return std::nullopt;
    if (shape[3] == 1) heads.centre = data.data();
    if (shape[3] == jointCount) heads.heat = data.data();
    if (shape[3] == 2 * jointCount) (heads.regression ? heads.offset : heads.regression) = data.data();
  }
  const bool whole = heads.height * heads.width > 0 && heads.centre && heads.heat && heads.offset;
  return whole ? std::optional(heads) : std::nullopt;
}

/** The cell with the highest value of `channel`, each divided by its distance from (y, x) in cells + `nearness`; none
 * when all are NaN. */
std::optional<Cell> nearestPeak(const MovenetHeads& heads, const float* values, std::size_t channels,
                                std::size_t channel, float y, float x) {
  std::optional<Cell> best;
  float highest = -std::numeric_limits<float>::infinity();
  for (std::size_t row = 0; row < heads.height; row++) {
    for (std::size_t column = 0; column < heads.width; column++) {
      const float dy = static_cast<float>(row) - y;
      const float dx = static_cast<float>(column) - x;
      const float value = values[(row * heads.width + column) * channels + channel];
      const float weighted = value / (std::sqrt(dy * dy + dx * dx) + nearness);
      if (!(weighted > highest)) continue;
      highest = weighted;
      best = Cell{row, column};
    }
  }
  return best;
}

/** Where the joint is: the heat's peak near the point that the person's centre regresses to, moved by its offset. */
std::optional<Joint> findJoint(const MovenetHeads& heads, Cell centre, std::size_t joint,
                               const DecodeOptions& options) {
  const float* regressed = heads.regression + (centre.y * heads.width + centre.x) * 2 * jointCount + 2 * joint;
  const auto peak = nearestPeak(heads, heads.heat, jointCount, joint, static_cast<float>(centre.y) + regressed[0],
                                static_cast<float>(centre.x) + regressed[1]);
  if (!peak) return std::nullopt;
  const std::size_t place = peak->y * heads.width + peak->x;
  const float* offset = heads.offset + place * 2 * jointCount + 2 * joint;
  const auto cellWidth = static_cast<float>(options.inputWidth / static_cast<double>(heads.width));
  const auto cellHeight = static_cast<float>(options.inputHeight / static_cast<double>(heads.height));
  return Joint{(static_cast<float>(peak->x) + offset[1]) * cellWidth,
               (static_cast<float>(peak->y) + offset[0]) * cellHeight, heads.heat[place * jointCount + joint]};
}

/** The person whose centre is strongest near the middle; none when a value that it needs is not finite. */
std::optional<Pose> findPose(const MovenetHeads& heads, const DecodeOptions& options) {
  const auto centre =
      nearestPeak(heads, heads.centre, 1, 0, static_cast<float>(heads.height) / 2, static_cast<float>(heads.width) / 2);
  if (!centre) return std::nullopt;
  Pose pose;
  for (std::size_t joint = 0; joint < jointCount; joint++) {
    const auto found = findJoint(heads, *centre, joint, options);
    if (!found) return std::nullopt;
    pose[joint] = *found;
  }
  return isFinite(pose) ? std::optional(pose) : std::nullopt;
}

/**
 * `movenet`: the most central person. Heads of MoveNet Lightning (192 → 48 × 48) or Thunder (256 → 64 × 64), as cut
 * before the graph's indexing: centre heat and joint heat after their sigmoid, regression and offset in cells. Rows `[0
 * or 1 × 51] float32: 17 × (x y score)`; none when no joint reaches minScore. `iou` and `classes` mean nothing here.
 * Method: the tail of the published single-pose graph (CenterNet with joints, Zhou 2019, weighted by nearness to the
 * middle).
 */
std::vector<float> decodeMovenet(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto heads = readHeads(tensors);
  if (!heads) rejectTensors("movenet", movenetTensors, tensors);
  const auto pose = findPose(*heads, options);
  const auto reaches = [&](const Joint& joint) { return joint.score >= options.minScore; };
  std::vector<float> rows;
  if (pose && options.maxRows > 0 && std::ranges::any_of(*pose, reaches)) appendPose(rows, *pose, options);
  return rows;
}

const KernelEntry movenet{"movenet", 3 * jointCount, decodeMovenet};

}  // namespace
}  // namespace hailstream
