#include <cmath>
#include <numbers>

#include "decode_rows.h"
#include "kernels/rotated.h"

using namespace hailstream;

namespace {

constexpr float pi = std::numbers::pi_v<float>;
const DecodeOptions small = optionsOf(32, 32);

std::vector<RotatedDetection> detections(const std::vector<RotatedBox>& boxes) {
  std::vector<RotatedDetection> all;
  for (const auto& box : boxes) all.push_back({box, {1 - 0.1f * static_cast<float>(all.size()), 0, 0}});
  return all;
}

std::vector<OwnedTensor> grids(std::size_t channels, float fill) {
  std::vector<OwnedTensor> tensors;
  for (const std::size_t side : {4, 2, 1}) tensors.push_back(OwnedTensor({1, channels, side, side}, fill));
  return tensors;
}

float& at(OwnedTensor& tensor, std::size_t channel, std::size_t cell) {
  return tensor.values[channel * tensor.shape[2] * tensor.shape[3] + cell];
}

}  // namespace

TEST("a rotated box overlaps itself, also half a turn further or with its sides swapped by a quarter") {
  const RotatedBox box{50, 40, 30, 10, 0.4f};
  check::isNear(rotatedOverlap(box, box), 1, 1e-3);
  check::isNear(rotatedOverlap(box, {50, 40, 30, 10, 0.4f + pi}), 1, 1e-3);
  check::isNear(rotatedOverlap(box, {50, 40, 10, 30, 0.4f + pi / 2}), 1, 1e-3);
}

TEST("rotated boxes overlap less the further apart, the more turned and the more unlike in size they are") {
  const RotatedBox box{50, 40, 30, 10, 0};
  float before = 1;
  for (const float offset : {2, 6, 12, 60}) {
    const float moved = rotatedOverlap(box, {50 + offset, 40, 30, 10, 0});
    check::isTrue(moved < before, "less the further apart");
    check::isNear(moved, rotatedOverlap({50 + offset, 40, 30, 10, 0}, box), 1e-6);
    before = moved;
  }
  check::isTrue(before < 0.01, "nearly nothing far apart");
  check::isTrue(rotatedOverlap(box, {50, 40, 30, 10, pi / 2}) < rotatedOverlap(box, {50, 40, 30, 10, pi / 8}),
                "less the more turned");
  check::isTrue(rotatedOverlap(box, {50, 40, 90, 30, 0}) < rotatedOverlap(box, {50, 40, 40, 13, 0}),
                "less the more unlike");
}

/** Equal boxes of covariance diag(s, t), moved by d along x: the distance is d² / 8s, so that one can work it out. */
TEST("the overlap of two equal boxes is what the paper's formula gives by hand") {
  const float spread = 12 * 12 / 12.0f;
  for (const float moved : {1.0f, 4.0f, 9.0f}) {
    const double distance = moved * moved / (8 * spread);
    check::isNear(rotatedOverlap({20, 20, 12, 6, 0}, {20 + moved, 20, 12, 6, 0}),
                  1 - std::sqrt(1 - std::exp(-distance)), 1e-3);
  }
}

TEST("the weaker of two rotated boxes that overlap goes, one that only crosses stays") {
  const auto kept = suppressRotated(
      detections({{16, 16, 20, 4, 0}, {16.5f, 16, 20, 4, 0.05f}, {16, 16, 20, 4, pi / 2}, {90, 16, 4, 4, 0}}), small);
  check::equals(kept.size(), 2u);
  check::isNear(std::abs(kept[1].box.angle), pi / 2, 1e-5);
}

TEST("rotated boxes go to source pixels with their sides and angles, by the way there") {
  auto options = small;
  options.toSource = {2, 0, 1, 0, 2, -4};
  options.sourceWidth = options.sourceHeight = 64;
  areNear(rotatedRows(suppressRotated(detections({{8, 10, 6, 2, 0.3f}}), options)), {17, 16, 12, 4, 0.3f, 1, 0}, 1e-4);
  options.toSource = {0, -1, 64, 1, 0, 0};
  areNear(rotatedRows(suppressRotated(detections({{8, 10, 6, 2, 0.3f}}), options)), {54, 8, 6, 2, 0.3f - pi / 2, 1, 0},
          1e-4);
}

TEST("yolo-v8-obb reads the angle behind the classes") {
  OwnedTensor head({1, 4 + 2 + 1, 21});
  const std::vector<float> features = {16, 12, 8, 4, 0.1f, 0.75f, 2};
  for (std::size_t i = 0; i < features.size(); i++) head.values[i * 21 + 5] = features[i];
  areNear(decode("yolo-v8-obb", {head}, small), {16, 12, 8, 4, 2 - pi, 0.75f, 1}, 1e-5);
  refuses("yolo-v8-obb", {OwnedTensor({1, 5, 21})}, small, "[1 × 4+C+1 × N]");
  refuses("yolo-v8-obb", {head, head}, small, "Expected for yolo-v8-obb one tensor");
}

TEST("yolo-v8-obb-raw measures along the sides of the box, whose middle need not lie in the cell") {
  auto boxes = grids(64, -30);
  auto classes = grids(2, -20);
  auto angles = grids(1, 0);
  const std::size_t distances[] = {0, 1, 2, 1};
  for (std::size_t side = 0; side < 4; side++) at(boxes[0], side * 16 + distances[side], 5) = 30;
  at(classes[0], 1, 5) = 0;
  const float share = 0.25f + 1.0f / 6;  // 30° of the 180
  at(angles[0], 0, 5) = std::log(share / (1 - share));
  std::vector<OwnedTensor> tensors;
  for (std::size_t i = 0; i < 3; i++) tensors.insert(tensors.end(), {boxes[i], classes[i], angles[i]});
  const float angle = pi / 6;
  areNear(decode("yolo-v8-obb-raw", tensors, small),
          {12 + 8 * std::cos(angle), 12 + 8 * std::sin(angle), 16, 16, angle, 0.5f, 1}, 1e-3);
  refuses("yolo-v8-obb-raw", boxes, small, "and [1 × 1 × h × w]");
}
