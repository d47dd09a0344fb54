#include <algorithm>
#include <cmath>
#include <limits>

#include "decode_rows.h"

using namespace hailstream;

namespace {

const DecodeOptions small = optionsOf(32, 32);

/** As an accelerator gives them: [1 × side × side × 2, 8 and 20] per stride. */
std::vector<OwnedTensor> grids(float score) {
  std::vector<OwnedTensor> tensors;
  for (const std::size_t side : {4, 2, 1}) {
    tensors.push_back(OwnedTensor({1, side, side, 2}, score));
    tensors.push_back(OwnedTensor({1, side, side, 8}));
    tensors.push_back(OwnedTensor({1, side, side, 20}));
  }
  return tensors;
}

/** Second anchor of the cell at column 1, row 1 of stride 16. */
void setFace(std::vector<OwnedTensor>& tensors, float score) {
  const std::size_t anchor = 2 * 3 + 1;
  tensors[3].values[anchor] = score;
  const float sides[] = {0.5f, 0.25f, 1, 0.75f};
  for (std::size_t i = 0; i < 4; i++) tensors[4].values[4 * anchor + i] = sides[i];
  for (std::size_t i = 0; i < 10; i++) tensors[5].values[10 * anchor + i] = static_cast<float>(i) / 16;
}

const std::vector<float> face = {8, 12, 32, 28, 0.75f, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};

}  // namespace

TEST("scrfd measures boxes and points from the corner of the cell, in cells") {
  auto tensors = grids(0);
  setFace(tensors, 0.75f);
  auto options = small;
  options.activated = true;
  areNear(decode("scrfd", tensors, options), face, 1e-5);
}

TEST("scrfd takes the same anchor by anchor, in any order, and logits where no sigmoid is compiled in") {
  auto tensors = grids(-20);
  setFace(tensors, std::log(3.0f));
  for (auto& tensor : tensors) tensor.shape = {tensor.shape[1] * tensor.shape[2] * 2, tensor.shape[3] / 2};
  std::ranges::reverse(tensors);
  areNear(decode("scrfd", tensors, small), face, 1e-5);
  for (auto& tensor : tensors) tensor.shape.insert(tensor.shape.begin(), 1);
  areNear(decode("scrfd", tensors, small), face, 1e-5);
}

TEST("scrfd clips points to the source and drops a face with one that is not finite") {
  auto tensors = grids(0);
  setFace(tensors, 0.75f);
  auto options = small;
  options.activated = true;
  options.sourceWidth = 20;
  const auto rows = decode("scrfd", tensors, options);
  check::equals(rows[2], 20.0f);
  check::equals(rows[14], 20.0f);
  tensors[5].values[75] = std::numeric_limits<float>::infinity();
  check::equals(decode("scrfd", tensors, options).size(), 0u);
}

TEST("scrfd says what it expected and what came") {
  auto tensors = grids(0);
  refuses("scrfd", {}, small, "received no tensor");
  refuses("scrfd", tensors, optionsOf(64, 64), "Expected for scrfd per stride 8, 16 and 32");
  tensors[8].shape = {1, 1, 1, 21};
  tensors[8].values.resize(21);
  refuses("scrfd", tensors, small, "received [1 × 4 × 4 × 2]");
  tensors.pop_back();
  refuses("scrfd", tensors, small, "Expected for scrfd");
}
