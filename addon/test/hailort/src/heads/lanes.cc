#include <algorithm>
#include <optional>

#include "heads/heads.h"

/**
 * Ultra Fast Lane Detection v2 on TuSimple: one vector of row locations [100 × 56 × 4], column locations
 * [100 × 41 × 4], whether a row has the lane [2 × 56 × 4] and a column [2 × 41 × 4]; lanes 0 to 3 are red to
 * chartreuse.
 */
namespace standin {
namespace {

constexpr std::uint32_t lanes = 4;
constexpr std::uint32_t cells = 100;
constexpr float high = 8;
constexpr float low = -8;

/** Middle of the lane's pixels along a line, 0 to 1. */
template <typename ColourAt>
std::optional<float> middle(std::uint32_t length, std::uint32_t lane, ColourAt colourAt) {
  float sum = 0;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < length; i++) {
    if (colourAt(i) != std::optional<int>(static_cast<int>(lane))) continue;
    sum += static_cast<float>(i) + 0.5f;
    count++;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<float>(count * length);
}

/** Row anchors lie at 160, 170 … 710 of 720 lines; the network sees the lower 80 % of the picture. */
std::uint32_t rowOf(std::uint32_t line, std::uint32_t height) {
  const float whole = (160 + 10 * static_cast<float>(line)) / 720;
  return static_cast<std::uint32_t>((whole - 0.2f) / 0.8f * static_cast<float>(height));
}

struct Part {
  std::uint32_t location;
  std::uint32_t exists;
  std::uint32_t lines;
};

void write(TensorWriter& writer, const Part& part, std::uint32_t line, std::uint32_t lane, std::optional<float> place) {
  const auto at = [&](std::uint32_t first, std::uint32_t index) {
    return first + (index * part.lines + line) * lanes + lane;
  };
  writer.set(0, 0, at(part.exists, place ? 1 : 0), high);
  if (!place) return;
  const auto cell = static_cast<std::uint32_t>(*place * static_cast<float>(cells - 1) + 0.5f);
  writer.set(0, 0, at(part.location, cell), high);
}

}  // namespace

void encodeLanes(const Network&, Inputs inputs, Outputs outputs) {
  constexpr std::uint32_t rowLines = 56;
  constexpr std::uint32_t columnLines = 41;
  constexpr std::uint32_t columnStart = cells * rowLines * lanes;
  constexpr std::uint32_t rowExists = columnStart + cells * columnLines * lanes;
  constexpr Part rows{0, rowExists, rowLines};
  constexpr Part columns{columnStart, rowExists + 2 * rowLines * lanes, columnLines};
  TensorWriter writer(outputs[0]);
  writer.fill(low);
  const auto& shape = inputs[0].shape();
  for (std::uint32_t lane = 0; lane < lanes; lane++) {
    for (std::uint32_t line = 0; line < rowLines; line++) {
      const auto y = rowOf(line, shape.height);
      write(writer, rows, line, lane,
            middle(shape.width, lane, [&](std::uint32_t x) { return colourOf(inputs[0].at(y, x)); }));
    }
    for (std::uint32_t line = 0; line < columnLines; line++) {
      const auto x = std::min(line * shape.width / (columnLines - 1), shape.width - 1);
      write(writer, columns, line, lane,
            middle(shape.height, lane, [&](std::uint32_t y) { return colourOf(inputs[0].at(y, x)); }));
    }
  }
}

}  // namespace standin
