#pragma once

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
  void set(std::uint32_t y, std::uint32_t x, std::uint32_t feature, float value);

 private:
  float quantise(float value) const;

  const Output& output_;
};

}  // namespace standin
