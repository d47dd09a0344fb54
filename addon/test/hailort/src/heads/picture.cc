#include "heads/picture.h"

#include <algorithm>
#include <cstring>

namespace standin {
namespace {

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

float Picture::value(std::uint32_t y, std::uint32_t x, std::uint32_t feature) const {
  const auto index = indexOf(stream_->shape, format_.order, y, x, feature);
  if (format_.type == HAILO_FORMAT_TYPE_FLOAT32) return load<float>(bytes_, index);
  const float raw =
      format_.type == HAILO_FORMAT_TYPE_UINT16 ? load<std::uint16_t>(bytes_, index) : load<std::uint8_t>(bytes_, index);
  return (raw - stream_->quantisation.zeroPoint) * stream_->quantisation.scale;
}

Rgb meanOf(const Picture& picture, std::uint32_t row, std::uint32_t rows, std::uint32_t column, std::uint32_t columns) {
  const auto& shape = picture.shape();
  // A few samples tell a cell's colour: what is drawn in it is large.
  constexpr std::uint32_t samples = 4;
  Rgb sum{};
  for (std::uint32_t i = 0; i < samples * samples; i++) {
    const auto y = (row * samples * 2 + i / samples * 2 + 1) * shape.height / (rows * samples * 2);
    const auto x = (column * samples * 2 + i % samples * 2 + 1) * shape.width / (columns * samples * 2);
    const auto [red, green, blue] = picture.at(std::min(y, shape.height - 1), std::min(x, shape.width - 1));
    sum = {sum.red + red, sum.green + green, sum.blue + blue};
  }
  constexpr float count = samples * samples;
  return {sum.red / count, sum.green / count, sum.blue / count};
}

}  // namespace standin
