#include <cmath>
#include <limits>

#include "decode_rows.h"

using namespace hailstream;

namespace {

/** [1 × features × 21]: the anchors of a 32 × 32 input. */
OwnedTensor head(std::size_t features) {
  return OwnedTensor({1, features, 21});
}

void set(OwnedTensor& tensor, std::size_t place, const std::vector<float>& features) {
  for (std::size_t i = 0; i < features.size(); i++) tensor.values[i * 21 + place] = features[i];
}

const DecodeOptions small = optionsOf(32, 32);

/** Per stride of a 32 × 32 input: a 4 × 4, a 2 × 2 and a 1 × 1 grid. */
constexpr std::size_t sidesOfGrids[] = {4, 2, 1};

/** One tensor of `channels` per stride, NCHW, all of `fill`. */
std::vector<OwnedTensor> grids(std::size_t channels, float fill) {
  std::vector<OwnedTensor> tensors;
  for (const auto side : sidesOfGrids) tensors.push_back(OwnedTensor({1, channels, side, side}, fill));
  return tensors;
}

float& at(OwnedTensor& tensor, std::size_t channel, std::size_t cell) {
  return tensor.values[channel * tensor.shape[2] * tensor.shape[3] + cell];
}

}  // namespace

TEST("yolo-v8 gives corners of the box, the best class and its score") {
  auto tensor = head(4 + 3);
  set(tensor, 20, {16, 12, 8, 4, 0.1f, 0.75f, 0.5f});
  areNear(decode("yolo-v8", {tensor}, small), {12, 10, 20, 14, 0.75f, 1}, 0);
}

TEST("yolo-v8 tells anchors from features by the size of the input, however many classes there are") {
  OwnedTensor many({1, 21, 104});
  many.values[20 * 104 + 0] = 16;
  many.values[20 * 104 + 1] = 12;
  many.values[20 * 104 + 2] = 8;
  many.values[20 * 104 + 3] = 4;
  many.values[20 * 104 + 4 + 99] = 0.5f;
  areNear(decode("yolo-v8", {many}, small), {12, 10, 20, 14, 0.5f, 99}, 0);
}

TEST("yolo-v8 survives a head of nothing but NaN or infinity") {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    check::equals(decode("yolo-v8", {OwnedTensor({1, 7, 21}, value)}, small).size(), 0u);
    check::equals(decode("yolo-v8-pose", {OwnedTensor({1, 56, 21}, value)}, small).size(), 0u);
  }
}

TEST("yolo-v8-pose appends the joints, clipped, and drops a pose with one that is not finite") {
  auto tensor = head(56);
  std::vector<float> features = {16, 12, 8, 4, 0.75f};
  for (int joint = 0; joint < 17; joint++) features.insert(features.end(), {40, static_cast<float>(joint), 0.5f});
  set(tensor, 3, features);
  const auto rows = decode("yolo-v8-pose", {tensor}, small);
  check::equals(rows.size(), 57u);
  areNear({rows.begin(), rows.begin() + 9}, {12, 10, 20, 14, 0.75f, 0, 32, 0, 0.5f}, 0);
  areNear({rows.end() - 3, rows.end()}, {32, 16, 0.5f}, 0);
  features.back() = std::numeric_limits<float>::quiet_NaN();
  set(tensor, 3, features);
  check::equals(decode("yolo-v8-pose", {tensor}, small).size(), 0u);
}

TEST("yolo-v8-raw measures from the middle of the cell by the expectation of the bins") {
  auto boxes = grids(64, 0);
  auto classes = grids(2, -20);
  at(classes[1], 1, 2) = 0;  // stride 16, column 0, row 1: score 1/2
  const float distances[] = {0, 0.5f, 1, 1.5f};
  for (std::size_t side = 0; side < 4; side++) {
    for (std::size_t bin = 0; bin < 16; bin++) at(boxes[1], side * 16 + bin, 2) = -50;
    at(boxes[1], side * 16 + static_cast<std::size_t>(distances[side]), 2) = 3;
    if (side % 2 == 1) at(boxes[1], side * 16 + static_cast<std::size_t>(distances[side]) + 1, 2) = 3;
  }
  auto options = small;
  options.sourceHeight = 64;
  const std::vector<OwnedTensor> tensors = {boxes[0], boxes[1], boxes[2], classes[0], classes[1], classes[2]};
  areNear(decode("yolo-v8-raw", tensors, options), {8, 16, 24, 48, 0.5f, 1}, 1e-4);
}

TEST("yolo-v8-raw tells channels from columns when both are 80") {
  std::vector<OwnedTensor> tensors;
  for (const std::size_t side : {80, 40, 20}) {
    tensors.push_back(OwnedTensor({1, side, side, 64}));
    tensors.push_back(OwnedTensor({1, side, side, 80}, -20));
  }
  tensors[1].values[(3 * 80 + 5) * 80 + 17] = 20;
  areNear(decode("yolo-v8-raw", tensors, optionsOf(640, 640)), {0, 0, 104, 88, 1, 17}, 1e-3);
}

TEST("raw heads pass a score of one when asked for one, and all of them when asked for zero") {
  auto tensors = grids(65, 0);
  at(tensors[2], 64, 0) = 30;
  auto options = small;
  options.minScore = 1;
  check::equals(decode("yolo-v8-raw", tensors, options).size(), 6u);
  options.minScore = 0;
  options.iou = 1;
  check::equals(decode("yolo-v8-raw", tensors, options).size(), 21u * 6);
}

TEST("raw heads take class scores as they are where their sigmoid is compiled in") {
  auto boxes = grids(64, 0);
  auto classes = grids(2, 0);
  at(classes[1], 1, 2) = 0.75f;
  const std::vector<OwnedTensor> tensors = {boxes[0], boxes[1], boxes[2], classes[0], classes[1], classes[2]};
  auto options = small;
  options.activated = true;
  const auto rows = decode("yolo-v8-raw", tensors, options);
  check::equals(rows.size(), 6u);
  check::equals(rows[4], 0.75f);
  check::equals(rows[5], 1.0f);
}

TEST("yolo-v8-pose-raw puts joints by half cells from the corner of their cell") {
  auto boxes = grids(64, 0);
  auto classes = grids(1, -20);
  auto joints = grids(51, 0.25f);
  at(classes[0], 0, 5) = 20;  // stride 8, column 1, row 1
  std::vector<OwnedTensor> tensors;
  for (std::size_t i = 0; i < 3; i++) tensors.insert(tensors.end(), {joints[i], classes[i], boxes[i]});
  const auto rows = decode("yolo-v8-pose-raw", tensors, small);
  check::equals(rows.size(), 57u);
  const float score = 1 / (1 + std::exp(-0.25f));
  areNear({rows.begin() + 6, rows.begin() + 9}, {12, 12, score}, 1e-4);
}

TEST("yolo-v5 multiplies objectness and class") {
  OwnedTensor tensor({1, 2, 7});
  tensor.values = {16, 12, 8, 4, 0.5f, 0.25f, 0.75f, 16, 12, 8, 4, 0.25f, 0.25f, 0.75f};
  areNear(decode("yolo-v5", {tensor}, small), {12, 10, 20, 14, 0.375f, 1}, 0);
}

TEST("yolo-v5-raw scales the anchors by squared sigmoids") {
  auto tensors = grids(3 * 7, -20);
  const std::size_t second = 7;
  for (std::size_t i = 0; i < 4; i++) at(tensors[0], second + i, 6) = 0;  // stride 8, column 2, row 1, anchor 16 × 30
  at(tensors[0], second + 4, 6) = 20;
  at(tensors[0], second + 6, 6) = 0;
  areNear(decode("yolo-v5-raw", tensors, small), {12, 0, 28, 27, 0.5f, 1}, 1e-4);
}

TEST("yolo-v5-raw takes all values as they are where their sigmoid is compiled in") {
  auto tensors = grids(3 * 7, 0);
  for (std::size_t i = 0; i < 4; i++) at(tensors[0], 7 + i, 6) = 0.5f;
  at(tensors[0], 7 + 4, 6) = 0.75f;
  at(tensors[0], 7 + 6, 6) = 0.5f;
  auto options = small;
  options.activated = true;
  areNear(decode("yolo-v5-raw", tensors, options), {12, 0, 28, 27, 0.375f, 1}, 1e-4);
}

TEST("the YOLO kernels say what they expected and what came") {
  refuses("yolo-v8", {}, small, "received no tensor");
  refuses("yolo-v8", {head(4)}, small, "received [1 × 4 × 21]");
  refuses("yolo-v8", {OwnedTensor({1, 84, 0})}, optionsOf(640, 640), "received [1 × 84 × 0]");
  refuses("yolo-v8", {head(7), head(7)}, small, "Expected for yolo-v8 one tensor");
  refuses("yolo-v8-pose", {head(57)}, small, "[1 × 56 × N]");
  refuses("yolo-v8-raw", grids(64, 0), small, "[1 × 64 × 4 × 4], [1 × 64 × 2 × 2], [1 × 64 × 1 × 1]");
  refuses("yolo-v8-raw", {grids(70, 0)[0]}, small, "per stride 8, 16 and 32");
  refuses("yolo-v8-pose-raw", grids(65, 0), small, "[1 × 51 × h × w]");
  refuses("yolo-v5", {OwnedTensor({1, 21, 5})}, small, "[1 × N × 5+C]");
  refuses("yolo-v5-raw", grids(20, 0), small, "received [1 × 20 × 4 × 4]");
  refuses("yolo-v5-raw", grids(15, 0), small, "received [1 × 15 × 4 × 4]");
}
