#include "heads/heads.h"

/**
 * Text is written in colours: the detector's map is 1 wherever the picture has one; the reader sees, for each of its 40
 * steps, the colour in the middle of the step's strip: the class after it, or the blank (class 0) for grey.
 */
namespace standin {
namespace {

void writeMap(const Picture& picture, const Output& output) {
  TensorWriter writer(output);
  writer.fill(0);
  for (std::uint32_t y = 0; y < writer.shape().height; y++) {
    for (std::uint32_t x = 0; x < writer.shape().width; x++) {
      if (colourOf(picture.at(y, x))) writer.set(y, x, 0, 1);
    }
  }
}

void writeSteps(const Picture& picture, const Output& output) {
  TensorWriter writer(output);
  writer.fill(0);
  const auto steps = writer.shape().width;
  for (std::uint32_t step = 0; step < steps; step++) {
    const auto x = (2 * step + 1) * picture.shape().width / (2 * steps);
    const int colour = colourOf(picture.at(picture.shape().height / 2, x)).value_or(-1);
    writer.set(0, step, static_cast<std::uint32_t>(colour + 1), 0.95f);
  }
}

}  // namespace

void encodeText(const Network& network, Inputs inputs, Outputs outputs) {
  if (network.head == Head::textMap) {
    writeMap(inputs[0], outputs[0]);
  } else {
    writeSteps(inputs[0], outputs[0]);
  }
}

}  // namespace standin
