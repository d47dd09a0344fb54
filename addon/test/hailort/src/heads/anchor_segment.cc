#include <algorithm>
#include <array>
#include <cmath>

#include "heads/heads.h"

/** Raw heads of YOLOv5 with masks: per stride 3 anchors × (x y w h objectness, 80 classes, 32 coefficients), all
 * logits. */
namespace standin {
namespace {

constexpr std::uint32_t classes = 80;
constexpr std::uint32_t features = 5 + classes + 32;
constexpr float lowLogit = -6;
constexpr float highLogit = 6;

struct Anchor {
  float width;
  float height;
};

/** Of the published COCO models, per stride 8, 16 and 32, in pixels. */
constexpr std::array<std::array<Anchor, 3>, 3> anchors = {
    {{{{10, 13}, {16, 30}, {33, 23}}}, {{{30, 61}, {62, 45}, {59, 119}}}, {{{116, 90}, {156, 198}, {373, 326}}}}};

float logit(float share) {
  const float inside = std::clamp(share, 0.0025f, 0.9975f);
  return std::log(inside / (1 - inside));
}

/** How far a size is from an anchor's, whichever way; an anchor reaches from 0 to 4 times its own. */
float misfit(const PixelBox& box, const Anchor& anchor) {
  return std::abs(std::log(box.width() / anchor.width)) + std::abs(std::log(box.height() / anchor.height));
}

struct Choice {
  std::size_t stage = 0;
  std::size_t anchor = 0;
};

Choice choose(const PixelBox& box) {
  Choice best;
  for (std::size_t stage = 0; stage < anchors.size(); stage++) {
    for (std::size_t anchor = 0; anchor < anchors[stage].size(); anchor++) {
      if (misfit(box, anchors[stage][anchor]) < misfit(box, anchors[best.stage][best.anchor])) best = {stage, anchor};
    }
  }
  return best;
}

void write(TensorWriter& writer, const Thing& thing, const Choice& chosen) {
  const float stride = static_cast<float>(8u << chosen.stage);
  const auto& [width, height] = anchors[chosen.stage][chosen.anchor];
  const float x = thing.box.middleX() / stride;
  const float y = thing.box.middleY() / stride;
  const auto row = std::min(static_cast<std::uint32_t>(y), writer.shape().height - 1);
  const auto column = std::min(static_cast<std::uint32_t>(x), writer.shape().width - 1);
  const auto first = static_cast<std::uint32_t>(chosen.anchor) * features;
  const std::array values = {
      logit((x - static_cast<float>(column) + 0.5f) / 2), logit((y - static_cast<float>(row) + 0.5f) / 2),
      logit(std::sqrt(thing.box.width() / width) / 2), logit(std::sqrt(thing.box.height() / height) / 2), highLogit};
  for (std::uint32_t i = 0; i < values.size(); i++) writer.set(row, column, first + i, values[i]);
  const auto colour = static_cast<std::uint32_t>(thing.colour);
  writer.set(row, column, first + 5 + colour, logit(thing.score));
  // These tensors reach to 6.35, which is as good: the mask's logit lies far from 0 either way.
  for (std::uint32_t i = 0; i < 32; i++)
    writer.set(row, column, first + 5 + classes + i, i == colour ? maskCoefficient : 0);
}

}  // namespace

void encodeAnchorSegment(const Network&, Inputs inputs, Outputs outputs) {
  std::array stages = {TensorWriter(outputs[0]), TensorWriter(outputs[1]), TensorWriter(outputs[2])};
  for (auto& stage : stages) stage.fill(lowLogit);
  for (const auto& thing : findThings(inputs[0])) {
    const auto chosen = choose(thing.box);
    write(stages[chosen.stage], thing, chosen);
  }
  writePrototypes(inputs[0], outputs[3]);
}

}  // namespace standin
