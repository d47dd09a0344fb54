#pragma once

#include <cstddef>
#include <span>

#include "hailo/hailort.h"
#include "networks/network.h"

namespace standin {

struct Rgb {
  float red;
  float green;
  float blue;

  /** 0 to 1. */
  float brightness() const { return (red + green + blue) / (3 * 255); }
};

/** Where value (y, x, feature) lies among the values of a tensor. */
inline std::size_t indexOf(const Shape& shape, hailo_format_order_t order, std::uint32_t y, std::uint32_t x,
                           std::uint32_t feature) {
  if (order == HAILO_FORMAT_ORDER_NCHW) return (static_cast<std::size_t>(feature) * shape.height + y) * shape.width + x;
  return (static_cast<std::size_t>(y) * shape.width + x) * shape.features + feature;
}

/** What a network was given, in the caller's format: values as 8 or 16-bit numbers or floats, NHWC or NCHW. */
class Picture {
 public:
  Picture(std::span<const std::byte> bytes, const Stream& stream, hailo_format_t format)
      : bytes_(bytes), stream_(&stream), format_(format) {
    const bool isPlain = format.type == HAILO_FORMAT_TYPE_UINT8 && format.order == HAILO_FORMAT_ORDER_NHWC &&
                         stream.shape.features == 3 && stream.quantisation.scale == 1;
    if (isPlain) plain_ = reinterpret_cast<const std::uint8_t*>(bytes.data());
  }

  const Shape& shape() const { return stream_->shape; }
  /** Dequantised; pictures have quantisation (0, 1), so that this is 0 to 255. */
  float value(std::uint32_t y, std::uint32_t x, std::uint32_t feature) const;
  Rgb at(std::uint32_t y, std::uint32_t x) const {
    if (plain_ == nullptr) return {value(y, x, 0), value(y, x, 1), value(y, x, 2)};
    const auto* pixel = plain_ + 3 * (static_cast<std::size_t>(y) * stream_->shape.width + x);
    return {static_cast<float>(pixel[0]), static_cast<float>(pixel[1]), static_cast<float>(pixel[2])};
  }

 private:
  std::span<const std::byte> bytes_;
  const Stream* stream_;
  hailo_format_t format_;
  /** The usual case, 8-bit RGB as it is: null for all others. */
  const std::uint8_t* plain_ = nullptr;
};

/** Mean colour of the part of `picture` that cell (row, column) of a `rows` × `columns` grid covers. */
Rgb meanOf(const Picture& picture, std::uint32_t row, std::uint32_t rows, std::uint32_t column, std::uint32_t columns);

}  // namespace standin
