#pragma once

#include <algorithm>

#include "heads/picture.h"

namespace standin {

/** What a caller set for an NMS output. */
struct NmsLimits {
  float minScore = 0.2f;
  std::uint32_t maxPerClass = 100;
  std::uint32_t maxTotal = 100;
  std::uint32_t maxMaskBytes = 0;
};

/** One output of a job: the caller's bytes, in the caller's format. */
struct Output {
  const Stream* stream;
  hailo_format_t format;
  NmsLimits limits;
  std::span<std::byte> bytes;
};

/** Writes real numbers as the device gives them: quantised as the network's output, then in the caller's format. */
class TensorWriter {
 public:
  explicit TensorWriter(const Output& output) : output_(output) {}

  const Shape& shape() const { return output_.stream->shape; }
  void fill(float value);
  void set(std::uint32_t y, std::uint32_t x, std::uint32_t feature, float value) {
    if (output_.format.type != HAILO_FORMAT_TYPE_UINT8) return setWide(y, x, feature, value);
    output_.bytes[indexOf(shape(), output_.format.order, y, x, feature)] =
        static_cast<std::byte>(static_cast<int>(quantise(value)));
  }

 private:
  /** A whole number within the type's range, rounded half up. */
  float quantise(float value) const {
    const auto& [zeroPoint, scale] = output_.stream->quantisation;
    const float highest = output_.stream->type == Type::uint8 ? 255 : 65535;
    return static_cast<float>(static_cast<int>(std::clamp(value / scale + zeroPoint, 0.0f, highest) + 0.5f));
  }
  void setWide(std::uint32_t y, std::uint32_t x, std::uint32_t feature, float value);

  const Output& output_;
};

}  // namespace standin
