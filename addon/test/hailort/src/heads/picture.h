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

/** What a network was given, in the caller's format: values as 8 or 16-bit numbers or floats, NHWC or NCHW. */
class Picture {
 public:
  Picture(std::span<const std::byte> bytes, const Stream& stream, hailo_format_t format)
      : bytes_(bytes), stream_(&stream), format_(format) {}

  const Shape& shape() const { return stream_->shape; }
  /** Dequantised; pictures have quantisation (0, 1), so that this is 0 to 255. */
  float value(std::uint32_t y, std::uint32_t x, std::uint32_t feature) const;
  Rgb at(std::uint32_t y, std::uint32_t x) const { return {value(y, x, 0), value(y, x, 1), value(y, x, 2)}; }

 private:
  std::span<const std::byte> bytes_;
  const Stream* stream_;
  hailo_format_t format_;
};

/** Mean colour of the part of `picture` that cell (row, column) of a `rows` × `columns` grid covers. */
Rgb meanOf(const Picture& picture, std::uint32_t row, std::uint32_t rows, std::uint32_t column, std::uint32_t columns);

/** Where value (y, x, feature) lies among the values of a tensor. */
std::size_t indexOf(const Shape& shape, hailo_format_order_t order, std::uint32_t y, std::uint32_t x,
                    std::uint32_t feature);

}  // namespace standin
