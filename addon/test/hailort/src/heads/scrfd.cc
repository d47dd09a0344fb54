#include <algorithm>
#include <array>

#include "heads/heads.h"

/** SCRFD: per stride, two anchors at each cell's corner: probability, four distances and five landmarks, in cells. */
namespace standin {
namespace {

/** Right eye as seen, left eye, nose, corners of the mouth. */
constexpr std::array<std::array<float, 2>, 5> landmarks = {
    {{0.3f, 0.35f}, {0.7f, 0.35f}, {0.5f, 0.55f}, {0.35f, 0.75f}, {0.65f, 0.75f}}};
/** The second anchor of a cell sees the same face a little less. */
constexpr std::array<float, 2> anchorShares = {1, 0.9f};

struct Stage {
  TensorWriter scores;
  TensorWriter boxes;
  TensorWriter points;
  float stride;
};

void write(Stage& stage, const Thing& thing) {
  const auto& [left, top, right, bottom] = thing.box;
  const auto& shape = stage.scores.shape();
  const auto row = std::min(static_cast<std::uint32_t>(thing.box.middleY() / stage.stride), shape.height - 1);
  const auto column = std::min(static_cast<std::uint32_t>(thing.box.middleX() / stage.stride), shape.width - 1);
  const float x = static_cast<float>(column) * stage.stride;
  const float y = static_cast<float>(row) * stage.stride;
  const std::array sides = {x - left, y - top, right - x, bottom - y};
  for (std::uint32_t anchor = 0; anchor < anchorShares.size(); anchor++) {
    stage.scores.set(row, column, anchor, thing.score * anchorShares[anchor]);
    for (std::uint32_t side = 0; side < 4; side++)
      stage.boxes.set(row, column, 4 * anchor + side, sides[side] / stage.stride);
    for (std::uint32_t i = 0; i < landmarks.size(); i++) {
      const float dx = left + landmarks[i][0] * thing.box.width() - x;
      const float dy = top + landmarks[i][1] * thing.box.height() - y;
      stage.points.set(row, column, 10 * anchor + 2 * i, dx / stage.stride);
      stage.points.set(row, column, 10 * anchor + 2 * i + 1, dy / stage.stride);
    }
  }
}

}  // namespace

void encodeScrfd(const Network&, Inputs inputs, Outputs outputs) {
  std::array<Stage, 3> stages = {{{TensorWriter(outputs[0]), TensorWriter(outputs[1]), TensorWriter(outputs[2]), 8},
                                  {TensorWriter(outputs[3]), TensorWriter(outputs[4]), TensorWriter(outputs[5]), 16},
                                  {TensorWriter(outputs[6]), TensorWriter(outputs[7]), TensorWriter(outputs[8]), 32}}};
  for (auto& stage : stages) {
    stage.scores.fill(0);
    stage.boxes.fill(0);
    stage.points.fill(0);
  }
  for (const auto& thing : findThings(inputs[0])) {
    if (thing.colour != faceColour) continue;
    const float side = std::max(thing.box.width(), thing.box.height());
    write(stages[side < 64 ? 0 : side < 160 ? 1 : 2], thing);
  }
}

}  // namespace standin
