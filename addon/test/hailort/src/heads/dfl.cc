#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "heads/heads.h"

/**
 * Raw heads of YOLOv8 and YOLO11: boxes as distributions over 16 bins, scores as probabilities (the sigmoid runs on the
 * chip), joints from the cell's corner in half cells, masks by coefficients, tilted boxes with an angle's logit.
 */
namespace standin {
namespace {

constexpr std::uint32_t bins = 16;
constexpr float lowLogit = -10;
constexpr float highLogit = 9;
/** The neighbour of the best cell sees the same thing a little less, so that there is something to suppress. */
constexpr float neighbourShare = 0.9f;

/** Places of COCO's 17 joints in a person's box: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles. */
constexpr std::array<std::array<float, 2>, 17> joints = {{{0.5f, 0.1f},
                                                          {0.55f, 0.07f},
                                                          {0.45f, 0.07f},
                                                          {0.6f, 0.1f},
                                                          {0.4f, 0.1f},
                                                          {0.7f, 0.25f},
                                                          {0.3f, 0.25f},
                                                          {0.8f, 0.4f},
                                                          {0.2f, 0.4f},
                                                          {0.85f, 0.55f},
                                                          {0.15f, 0.55f},
                                                          {0.62f, 0.55f},
                                                          {0.38f, 0.55f},
                                                          {0.62f, 0.75f},
                                                          {0.38f, 0.75f},
                                                          {0.62f, 0.95f},
                                                          {0.38f, 0.95f}}};
constexpr float jointLogit = 3;

/** One stride's tensors, in the order of the network's outputs: boxes, scores and a third. */
struct Stage {
  TensorWriter boxes;
  TensorWriter scores;
  TensorWriter extra;
  float stride;
};

struct Place {
  std::uint32_t row;
  std::uint32_t column;
};

void writeDistance(TensorWriter& boxes, Place at, std::uint32_t side, float cells) {
  const float distance = std::clamp(cells, 0.0f, static_cast<float>(bins - 1) - 0.001f);
  const auto bin = static_cast<std::uint32_t>(distance);
  const float upper = distance - static_cast<float>(bin);
  const auto logit = [](float share) { return highLogit + std::log(std::max(share, 1e-6f)); };
  boxes.set(at.row, at.column, side * bins + bin, logit(1 - upper));
  boxes.set(at.row, at.column, side * bins + bin + 1, logit(upper));
}

void writeBox(Stage& stage, Place at, const Thing& thing) {
  const float x = (static_cast<float>(at.column) + 0.5f) * stage.stride;
  const float y = (static_cast<float>(at.row) + 0.5f) * stage.stride;
  const std::array sides = {x - thing.box.left, y - thing.box.top, thing.box.right - x, thing.box.bottom - y};
  for (std::uint32_t side = 0; side < sides.size(); side++)
    writeDistance(stage.boxes, at, side, sides[side] / stage.stride);
}

/** As Ultralytics' dist2rbox reads it: distances along the tilted axes, the angle's sigmoid less a quarter times pi. */
void writeTilted(Stage& stage, Place at, const Tilted& tilted) {
  const float dx = tilted.x - (static_cast<float>(at.column) + 0.5f) * stage.stride;
  const float dy = tilted.y - (static_cast<float>(at.row) + 0.5f) * stage.stride;
  const float along = dx * std::cos(tilted.angle) + dy * std::sin(tilted.angle);
  const float across = dy * std::cos(tilted.angle) - dx * std::sin(tilted.angle);
  const std::array sides = {tilted.width / 2 - along, tilted.height / 2 - across, tilted.width / 2 + along,
                            tilted.height / 2 + across};
  for (std::uint32_t side = 0; side < sides.size(); side++)
    writeDistance(stage.boxes, at, side, sides[side] / stage.stride);
  constexpr auto pi = std::numbers::pi_v<float>;
  const float angle = tilted.angle < -pi / 4 ? tilted.angle + pi : tilted.angle;
  const float share = std::clamp(angle / pi + 0.25f, 1e-4f, 1 - 1e-4f);
  stage.extra.set(at.row, at.column, 0, std::log(share / (1 - share)));
}

void writeJoints(Stage& stage, Place at, const Thing& thing) {
  for (std::uint32_t joint = 0; joint < joints.size(); joint++) {
    const float x = thing.box.left + joints[joint][0] * thing.box.width();
    const float y = thing.box.top + joints[joint][1] * thing.box.height();
    stage.extra.set(at.row, at.column, 3 * joint, (x / stage.stride - static_cast<float>(at.column)) / 2);
    stage.extra.set(at.row, at.column, 3 * joint + 1, (y / stage.stride - static_cast<float>(at.row)) / 2);
    stage.extra.set(at.row, at.column, 3 * joint + 2, jointLogit);
  }
}

void write(Stage& stage, Head head, Place at, const Thing& thing, float share) {
  const auto feature = head == Head::dflPose ? 0u : static_cast<std::uint32_t>(thing.colour);
  if (feature >= stage.scores.shape().features) return;
  stage.scores.set(at.row, at.column, feature, thing.score * share);
  if (head == Head::dflRotated) return writeTilted(stage, at, thing.tilted);
  writeBox(stage, at, thing);
  if (head == Head::dflPose) writeJoints(stage, at, thing);
  if (head == Head::dflSegment)
    stage.extra.set(at.row, at.column, static_cast<std::uint32_t>(thing.colour), maskCoefficient);
}

/** The finest stride whose 16 bins reach over the thing with room to spare. */
Stage& stageFor(std::array<Stage, 3>& stages, const Thing& thing) {
  const float reach = std::max({thing.box.width(), thing.box.height(), thing.tilted.width}) / 2;
  if (reach < 8 * 7) return stages[0];
  return reach < 16 * 7 ? stages[1] : stages[2];
}

}  // namespace

void encodeDfl(const Network& network, Inputs inputs, Outputs outputs) {
  std::array<Stage, 3> stages = {{{TensorWriter(outputs[0]), TensorWriter(outputs[1]), TensorWriter(outputs[2]), 8},
                                  {TensorWriter(outputs[3]), TensorWriter(outputs[4]), TensorWriter(outputs[5]), 16},
                                  {TensorWriter(outputs[6]), TensorWriter(outputs[7]), TensorWriter(outputs[8]), 32}}};
  for (auto& stage : stages) {
    stage.boxes.fill(lowLogit);
    stage.scores.fill(0);
    stage.extra.fill(0);
  }
  for (const auto& thing : findThings(inputs[0])) {
    if (network.head == Head::dflPose && thing.colour != personColour) continue;
    Stage& stage = stageFor(stages, thing);
    const auto& shape = stage.scores.shape();
    const Place at{std::min(static_cast<std::uint32_t>(thing.box.middleY() / stage.stride), shape.height - 1),
                   std::min(static_cast<std::uint32_t>(thing.box.middleX() / stage.stride), shape.width - 1)};
    write(stage, network.head, at, thing, 1);
    const bool hasRoom = at.column + 1 < shape.width && thing.box.width() > 3 * stage.stride;
    if (hasRoom) write(stage, network.head, {at.row, at.column + 1}, thing, neighbourShare);
  }
  if (network.head == Head::dflSegment) writePrototypes(inputs[0], outputs[9]);
}

}  // namespace standin
