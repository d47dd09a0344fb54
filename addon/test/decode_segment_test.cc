#include <algorithm>

#include "decode_rows.h"
#include "kernels/masks.h"

using namespace hailstream;

namespace {

/** 8 × 8 cells of prototypes, a head of 4 × 4, 2 × 2 and 1 × 1. */
const DecodeOptions small = optionsOf(32, 32);
constexpr std::size_t prototypeCount = 2;

/** [1 × 2 × 8 × 8]: the first is 1 in the left half and −1 in the right, the second 1 in the upper half. */
OwnedTensor prototypes() {
  OwnedTensor tensor({1, prototypeCount, 8, 8}, -1);
  for (std::size_t y = 0; y < 8; y++) {
    for (std::size_t x = 0; x < 8; x++) {
      if (x < 4) tensor.values[y * 8 + x] = 1;
      if (y < 4) tensor.values[64 + y * 8 + x] = 1;
    }
  }
  return tensor;
}

struct Masks {
  std::vector<float> rows;
  std::vector<std::uint8_t> bytes;
};

Masks decodeMasks(const char* kernel, const std::vector<OwnedTensor>& tensors, const DecodeOptions& options) {
  std::vector<std::uint8_t> memory(1000);
  MaskSheet masks(memory);
  auto rows = findKernel(kernel).decodeMasks(viewsOf(tensors), options, masks);
  check::equals(masks.width(), 8u);
  check::equals(masks.height(), 8u);
  memory.resize(masks.bytesUsed());
  areNear(decode(kernel, tensors, options), rows, 0);
  return {rows, memory};
}

/** `set(x, y)` of the grid tells which cells of the one row's crop belong to it. */
template <typename Set>
void hasMask(const Masks& masks, Set set, const check::Place place = check::Place::current()) {
  const auto value = [&](std::size_t i) { return static_cast<std::size_t>(masks.rows[i]); };
  check::equals(masks.rows.size(), maskRowWidth, place);
  check::equals(masks.bytes.size(), value(8) * value(9), place);
  for (std::size_t i = 0; i < masks.bytes.size(); i++) {
    const bool expected = set(value(6) + i % value(8), value(7) + i / value(8));
    check::equals(masks.bytes[i] >= 128, expected, place);
  }
}

/** [1 × channels × side × side] per stride. */
std::vector<OwnedTensor> grids(std::size_t channels, float fill) {
  std::vector<OwnedTensor> tensors;
  for (const std::size_t side : {4, 2, 1}) tensors.push_back(OwnedTensor({1, channels, side, side}, fill));
  return tensors;
}

float& at(OwnedTensor& tensor, std::size_t channel, std::size_t cell) {
  return tensor.values[channel * tensor.shape[2] * tensor.shape[3] + cell];
}

OwnedTensor turned(const OwnedTensor& tensor) {
  const std::size_t cells = tensor.shape[2] * tensor.shape[3];
  OwnedTensor result({1, tensor.shape[2], tensor.shape[3], tensor.shape[1]});
  for (std::size_t i = 0; i < tensor.values.size(); i++)
    result.values[i % cells * tensor.shape[1] + i / cells] = tensor.values[i];
  return result;
}

}  // namespace

TEST("yolo-v8-segment reads the last features as coefficients of the prototypes") {
  OwnedTensor head({1, 4 + 3 + prototypeCount, 21});
  const std::vector<float> features = {16, 12, 24, 16, 0.1f, 0.75f, 0.5f, 5, 0};
  for (std::size_t i = 0; i < features.size(); i++) head.values[i * 21 + 7] = features[i];
  const auto masks = decodeMasks("yolo-v8-segment", {prototypes(), head}, small);
  areNear(masks.rows, {4, 4, 28, 20, 0.75f, 1, 1, 1, 6, 4}, 0);
  hasMask(masks, [](std::size_t x, std::size_t) { return x < 4; });
}

TEST("masks follow one another in the order of the rows, and each has its own where boxes overlap") {
  OwnedTensor head({1, 21, 4 + 2 + prototypeCount});
  const auto set = [&](std::size_t place, const std::vector<float>& features) {
    std::ranges::copy(features, head.values.begin() + static_cast<std::ptrdiff_t>(place * 8));
  };
  set(3, {16, 16, 8, 8, 0.5f, 0, 5, 0});
  set(9, {16, 16, 16, 16, 0, 0.75f, 0, -5});
  const auto [rows, bytes] = decodeMasks("yolo-v8-segment", {head, prototypes()}, small);
  areNear(rows, {8, 8, 24, 24, 0.75f, 1, 2, 2, 4, 4, 12, 12, 20, 20, 0.5f, 0, 3, 3, 2, 2}, 0);
  check::equals(bytes.size(), 20u);
  for (std::size_t i = 0; i < 16; i++) check::equals(bytes[i] >= 128, i / 4 >= 2);
  for (std::size_t i = 0; i < 4; i++) check::equals(bytes[16 + i] >= 128, i % 2 == 0);
}

TEST("yolo-v8-segment-raw takes boxes, classes and coefficients per stride, in either layout") {
  auto boxes = grids(64, 0);
  auto classes = grids(3, -20);
  auto coefficients = grids(prototypeCount, 0);
  for (std::size_t side = 0; side < 4; side++) {
    for (std::size_t bin = 0; bin < 16; bin++) at(boxes[1], side * 16 + bin, 3) = bin == 1 ? 30 : -30;
  }
  at(classes[1], 2, 3) = 0;
  at(coefficients[1], 1, 3) = 4;
  std::vector<OwnedTensor> tensors = {prototypes()};
  for (std::size_t i = 0; i < 3; i++) tensors.insert(tensors.end(), {boxes[i], classes[i], coefficients[i]});
  for (const bool channelsLast : {false, true}) {
    if (channelsLast) std::ranges::transform(tensors, tensors.begin(), turned);
    const auto masks = decodeMasks("yolo-v8-segment-raw", tensors, small);
    areNear(masks.rows, {8, 8, 32, 32, 0.5f, 2, 2, 2, 6, 6}, 1e-3);
    hasMask(masks, [](std::size_t, std::size_t y) { return y < 4; });
  }
}

TEST("yolo-v8-segment-raw takes probabilities where the sigmoid is compiled in") {
  auto tensors = grids(64 + 1, 0);
  for (auto& tensor : grids(prototypeCount, 1)) tensors.push_back(tensor);
  tensors.push_back(prototypes());
  at(tensors[1], 64, 0) = 0.75f;
  auto options = small;
  options.activated = true;
  const auto masks = decodeMasks("yolo-v8-segment-raw", tensors, options);
  check::equals(masks.rows[4], 0.75f);
}

TEST("yolo-v5-segment-raw finds the coefficients behind the classes of each anchor") {
  const std::size_t features = 5 + 2 + prototypeCount;
  auto tensors = grids(3 * features, -20);
  const std::size_t second = features;
  for (std::size_t i = 0; i < 4; i++) at(tensors[0], second + i, 6) = 0;  // stride 8, column 2, row 1, anchor 16 × 30
  at(tensors[0], second + 4, 6) = 20;
  at(tensors[0], second + 6, 6) = 0;
  at(tensors[0], second + 7, 6) = -3;
  at(tensors[0], second + 8, 6) = 0;
  tensors.push_back(prototypes());
  const auto masks = decodeMasks("yolo-v5-segment-raw", tensors, small);
  areNear(masks.rows, {12, 0, 28, 27, 0.5f, 1, 3, 0, 4, 7}, 1e-4);
  hasMask(masks, [](std::size_t x, std::size_t) { return x >= 4; });
}

TEST("the kernels with masks say when there is no room, and what they expected") {
  OwnedTensor head({1, 4 + 1 + prototypeCount, 21});
  const std::vector<float> features = {16, 16, 32, 32, 0.9f, 1, 1};
  for (std::size_t i = 0; i < features.size(); i++) head.values[i * 21] = features[i];
  std::vector<std::uint8_t> memory(63);
  MaskSheet masks(memory);
  const std::vector<OwnedTensor> tensors = {head, prototypes()};
  const auto error =
      check::throws<Error>([&] { findKernel("yolo-v8-segment").decodeMasks(viewsOf(tensors), small, masks); });
  check::isTrue(error.code() == ErrorCode::tooLarge, "the code too-large");
  refuses("yolo-v8-segment", {head}, small, "Expected for yolo-v8-segment");
  refuses("yolo-v8-segment", {prototypes(), prototypes()}, small, "prototypes [1 × P × h/4 × w/4]");
  refuses("yolo-v8-segment", {OwnedTensor({1, 6, 21}), prototypes()}, small, "received [1 × 6 × 21]");
  auto raw = grids(64 + 3, 0);
  refuses("yolo-v8-segment-raw", raw, small, "Expected for yolo-v8-segment-raw");
  raw.push_back(prototypes());
  refuses("yolo-v8-segment-raw", raw, small, "and [1 × P × h × w]");
  auto anchors = grids(3 * (5 + prototypeCount), 0);
  anchors.push_back(prototypes());
  refuses("yolo-v5-segment-raw", anchors, small, "[1 × 3·(5+C+P) × h × w]");
}
