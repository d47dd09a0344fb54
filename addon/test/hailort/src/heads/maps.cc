#include <algorithm>
#include <cmath>

#include "heads/heads.h"

/** Networks whose answer is a map. */
namespace standin {
namespace {

float logit(float share) {
  const float inside = std::clamp(share, 0.002f, 0.998f);
  return std::log(inside / (1 - inside));
}

/** Calls `valueAt(y, x)` for each place of the output. */
template <typename ValueAt>
void writeMap(const Output& output, ValueAt valueAt) {
  TensorWriter writer(output);
  for (std::uint32_t y = 0; y < writer.shape().height; y++) {
    for (std::uint32_t x = 0; x < writer.shape().width; x++) writer.set(y, x, 0, valueAt(y, x));
  }
}

}  // namespace

/**
 * One picture: the logit of its brightness, as SCDepth's head (a sigmoid over it is the disparity). Two: disparity in
 * pixels, 192 times their mean brightness.
 */
void encodeDepth(const Network& network, Inputs inputs, Outputs outputs) {
  if (network.head == Head::stereo)
    return writeMap(outputs[0], [&](std::uint32_t y, std::uint32_t x) {
      return 192 * (inputs[0].at(y, x).brightness() + inputs[1].at(y, x).brightness()) / 2;
    });
  writeMap(outputs[0], [&](std::uint32_t y, std::uint32_t x) { return logit(inputs[0].at(y, x).brightness()); });
}

/** Class of each pixel: 0 for greys, 1 + the colour's number for the others. */
void encodeSemantic(const Network&, Inputs inputs, Outputs outputs) {
  writeMap(outputs[0], [&](std::uint32_t y, std::uint32_t x) {
    return static_cast<float>(colourOf(inputs[0].at(y, x)).value_or(-1) + 1);
  });
}

/** The picture with every pixel doubled. */
void encodeSuperResolution(const Network&, Inputs inputs, Outputs outputs) {
  TensorWriter writer(outputs[0]);
  for (std::uint32_t y = 0; y < writer.shape().height; y++) {
    for (std::uint32_t x = 0; x < writer.shape().width; x++) {
      for (std::uint32_t feature = 0; feature < 3; feature++)
        writer.set(y, x, feature, inputs[0].value(y / 2, x / 2, feature));
    }
  }
}

}  // namespace standin
