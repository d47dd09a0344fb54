#include <cmath>
#include <limits>

#include "decode_rows.h"
#include "kernels/least_box.h"

using namespace hailstream;

namespace {

OwnedTensor map(std::size_t width, std::size_t height) {
  return OwnedTensor({1, 1, height, width});
}

void fill(OwnedTensor& tensor, std::size_t left, std::size_t top, std::size_t right, std::size_t bottom, float value) {
  for (std::size_t y = top; y < bottom; y++) {
    for (std::size_t x = left; x < right; x++) tensor.values[y * tensor.shape[3] + x] = value;
  }
}

DecodeOptions textOptions(double width, double height) {
  auto options = optionsOf(width, height);
  options.minScore = 0.6f;
  return options;
}

}  // namespace

TEST("a region grows by 1.6 × area / perimeter on each side, and its corners go clockwise from the top left one") {
  auto tensor = map(100, 60);
  fill(tensor, 20, 20, 61, 31, 0.9f);
  // From the first middle to the last one: 40 × 10. It grows by 1.6 × 400 / 100 = 6.4.
  areNear(decode("text-regions", {tensor}, textOptions(100, 60)),
          {14.1f, 14.1f, 66.9f, 14.1f, 66.9f, 36.9f, 14.1f, 36.9f, 0.9f}, 0.01);
}

TEST("regions come in the order of reading, each with the mean of its probabilities") {
  auto tensor = map(200, 100);
  fill(tensor, 120, 11, 160, 21, 0.8f);
  fill(tensor, 20, 14, 60, 24, 0.7f);
  fill(tensor, 20, 60, 60, 70, 1);
  const auto rows = decode("text-regions", {tensor}, textOptions(200, 100));
  check::equals(rows.size(), 27u);
  areNear({rows[8], rows[17], rows[26]}, {0.7f, 0.8f, 1}, 0.01);
}

TEST("what is too unsure, too small, or not connected to enough is left out") {
  auto tensor = map(100, 100);
  fill(tensor, 10, 10, 50, 20, 0.5f);
  fill(tensor, 10, 40, 12, 60, 1);
  fill(tensor, 90, 90, 91, 91, 1);
  fill(tensor, 10, 70, 50, 80, 0.29f);
  check::equals(decode("text-regions", {tensor}, textOptions(100, 100)).size(), 0u);
}

TEST("a slanted line keeps its slant, and of more regions than are asked for the surest stay") {
  auto tensor = map(200, 200);
  // 4 across for 1 down, 16 high.
  for (std::size_t i = 0; i < 120; i++) fill(tensor, 30 + i, 40 + i / 4, 31 + i, 56 + i / 4, 0.95f);
  fill(tensor, 30, 150, 130, 160, 0.7f);
  auto options = textOptions(200, 200);
  options.maxRows = 1;
  const auto rows = decode("text-regions", {tensor}, options);
  check::equals(rows.size(), 9u);
  check::isNear((rows[3] - rows[1]) / (rows[2] - rows[0]), 0.25, 0.02);
  check::isTrue(rows[8] > 0.8, "the surer one");
}

TEST("a map of another size than the input is read in pixels of the source") {
  auto tensor = OwnedTensor({1, 50, 100, 1});
  for (std::size_t y = 20; y < 31; y++) {
    for (std::size_t x = 20; x < 61; x++) tensor.values[y * 100 + x] = 1;
  }
  auto options = textOptions(200, 100);
  options.toSource = {0.5, 0, 10, 0, 0.5, 0};
  const auto rows = decode("text-regions", {tensor}, options);
  areNear({rows[0], rows[1]}, {24.1f, 14.1f}, 0.01);
}

TEST("no number belongs to no region, and other shapes are refused") {
  auto tensor = map(64, 64);
  fill(tensor, 0, 0, 64, 64, std::numeric_limits<float>::quiet_NaN());
  check::equals(decode("text-regions", {tensor}, textOptions(64, 64)).size(), 0u);
  refuses("text-regions", {OwnedTensor({1, 2, 8, 8})}, textOptions(8, 8), "[1 × 1 × h × w]");
}

TEST("the least box around points has a side on their hull, also where they are one or lie on a line") {
  const auto diamond = leastBox({{0, 10}, {10, 0}, {20, 10}, {10, 20}, {10, 10}});
  check::isNear(distanceBetween(diamond[0], diamond[1]), 14.142, 0.01);
  check::isNear(distanceBetween(diamond[1], diamond[2]), 14.142, 0.01);
  for (const auto corner : leastBox({{3, 4}})) areNear({corner.x, corner.y}, {3, 4}, 0);
  const auto line = leastBox({{0, 0}, {5, 5}, {10, 10}});
  check::isNear(distanceBetween(line[0], line[1]) * distanceBetween(line[1], line[2]), 0, 0.001);
}

TEST("letters are the best class of each step, without blanks and repeats") {
  OwnedTensor steps({1, 8, 4});
  const std::vector<std::size_t> best = {0, 2, 2, 0, 2, 3, 3, 0};
  for (std::size_t i = 0; i < best.size(); i++) steps.values[i * 4 + best[i]] = 0.5f + 0.05f * static_cast<float>(i);
  areNear(decode("ctc", {steps}, optionsOf(64, 8)), {2, 0.55f, 1.5f / 8, 2, 0.7f, 4.5f / 8, 3, 0.75f, 5.5f / 8}, 1e-5);
}

TEST("letters that are too unsure, unwanted, or one too many are left out, and other shapes are refused") {
  OwnedTensor steps({1, 1, 3, 4});
  for (std::size_t i = 0; i < 3; i++) steps.values[i * 4 + i + 1] = 0.2f + 0.2f * static_cast<float>(i);
  auto options = optionsOf(64, 8);
  check::equals(decode("ctc", {steps}, options).size(), 6u);
  options.maxRows = 1;
  areNear(decode("ctc", {steps}, options), {2, 0.4f, 0.5f}, 1e-5);
  options.classes = {3};
  areNear(decode("ctc", {steps}, options), {3, 0.6f, 2.5f / 3}, 1e-5);
  refuses("ctc", {OwnedTensor({2, 3, 4})}, options, "[1 × steps × classes]");
}

TEST("classes come best first, logits as probabilities that sum up to 1") {
  OwnedTensor scores({1, 3});
  scores.values = {0, std::log(2.0f), std::log(5.0f)};
  auto options = optionsOf(8, 8);
  options.minScore = 0;
  areNear(decode("class-scores", {scores}, options), {2, 5.0f / 8, 1, 2.0f / 8, 0, 1.0f / 8}, 1e-5);
  options.activated = true;
  options.maxRows = 1;
  areNear(decode("class-scores", {scores}, options), {2, std::log(5.0f)}, 1e-5);
}

TEST("an embedding keeps its direction and has the length 1; one without a length gives no rows") {
  OwnedTensor vector({1, 2, 1, 1});
  vector.values = {3, -4};
  areNear(decode("embedding", {vector}, optionsOf(8, 8)), {0.6f, -0.8f}, 1e-6);
  check::equals(decode("embedding", {OwnedTensor({1, 4})}, optionsOf(8, 8)).size(), 0u);
}
