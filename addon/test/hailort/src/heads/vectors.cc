#include <algorithm>
#include <array>
#include <cmath>

#include "heads/heads.h"

/** Networks whose answer is one vector: embeddings and classes; and those that hand their values on. */
namespace standin {

/** Mean colours of the cells of the finest square grid that has room, each channel less its middle, -0.5 to 0.5. */
void encodeEmbedding(const Network&, Inputs inputs, Outputs outputs) {
  TensorWriter writer(outputs[0]);
  writer.fill(0);
  const auto cells = static_cast<std::uint32_t>(std::sqrt(static_cast<float>(writer.shape().features) / 3));
  std::uint32_t feature = 0;
  for (std::uint32_t cell = 0; cell < cells * cells; cell++) {
    const auto [red, green, blue] = meanOf(inputs[0], cell / cells, cells, cell % cells, cells);
    for (const float channel : {red, green, blue}) writer.set(0, 0, feature++, channel / 255 - 0.5f);
  }
}

/** Each class that is a colour: the share of the picture that has it; the last class: the share of greys. */
void encodeClasses(const Network&, Inputs inputs, Outputs outputs) {
  TensorWriter writer(outputs[0]);
  writer.fill(0);
  constexpr std::uint32_t step = 4;
  std::array<float, colourCount + 1> counts{};
  const auto& shape = inputs[0].shape();
  for (std::uint32_t y = 0; y < shape.height; y += step) {
    for (std::uint32_t x = 0; x < shape.width; x += step)
      counts[static_cast<std::size_t>(colourOf(inputs[0].at(y, x)).value_or(colourCount))]++;
  }
  float sum = 0;
  for (const float count : counts) sum += count;
  for (std::uint32_t colour = 0; colour < colourCount; colour++) writer.set(0, 0, colour, counts[colour] / sum);
  writer.set(0, 0, writer.shape().features - 1, counts[colourCount] / sum);
}

/** Row by row the values of the last input, the nearest row where the output has fewer or more; 0 where it is wider. */
void encodeIdentity(const Network&, Inputs inputs, Outputs outputs) {
  TensorWriter writer(outputs[0]);
  const auto& to = writer.shape();
  const auto& from = inputs.back().shape();
  writer.fill(0);
  for (std::uint32_t x = 0; x < to.width; x++) {
    for (std::uint32_t feature = 0; feature < std::min(to.features, from.features); feature++)
      writer.set(0, x, feature, inputs.back().value(0, x * from.width / to.width, feature));
  }
}

}  // namespace standin
