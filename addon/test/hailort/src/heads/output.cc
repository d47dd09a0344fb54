#include "heads/output.h"

#include <algorithm>
#include <cstring>

namespace standin {
namespace {

template <typename T>
void fillAll(std::span<std::byte> bytes, T value) {
  T* first = reinterpret_cast<T*>(bytes.data());
  std::fill(first, first + bytes.size() / sizeof(T), value);
}

template <typename T>
void store(std::span<std::byte> bytes, std::size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

}  // namespace

void TensorWriter::fill(float value) {
  const float raw = quantise(value);
  const auto& [zeroPoint, scale] = output_.stream->quantisation;
  switch (output_.format.type) {
    case HAILO_FORMAT_TYPE_FLOAT32:
      return fillAll(output_.bytes, (raw - zeroPoint) * scale);
    case HAILO_FORMAT_TYPE_UINT16:
      return fillAll(output_.bytes, static_cast<std::uint16_t>(raw));
    default:
      std::memset(output_.bytes.data(), static_cast<int>(raw), output_.bytes.size());
  }
}

void TensorWriter::setWide(std::uint32_t y, std::uint32_t x, std::uint32_t feature, float value) {
  const auto index = indexOf(shape(), output_.format.order, y, x, feature);
  const float raw = quantise(value);
  const auto& [zeroPoint, scale] = output_.stream->quantisation;
  switch (output_.format.type) {
    case HAILO_FORMAT_TYPE_FLOAT32:
      return store(output_.bytes, index, (raw - zeroPoint) * scale);
    case HAILO_FORMAT_TYPE_UINT16:
      return store(output_.bytes, index, static_cast<std::uint16_t>(raw));
    default:
      return;
  }
}

}  // namespace standin
