#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/axis.h"
#include "kernels/resample.h"

/** The passes of `resample`, in SIMD. Samples between them are in 1/128; buffers have room up to whole `passLines`. */
namespace hailstream {

/** Target lines that pass through the filter together: one vector of 256 bits, or two of 128. */
inline constexpr std::size_t passLines = 16;

/** out[x] = sum of rows[t][x] × weights[t], for `count` samples. */
void filterRows(std::span<const std::uint8_t* const> rows, const std::int16_t* weights, std::size_t count,
                std::int16_t* out);

/** A matrix of 16-bit samples, `stride` samples from one row to the next. */
struct Matrix {
  std::int16_t* data;
  std::size_t stride;
};

/** Rows to columns; both counts are rounded up to 8, and the matrices have room for that. */
void transpose(Matrix in, std::size_t rows, std::size_t columns, Matrix out);

/**
 * Columns of `passLines` samples each, `channels` of them per source pixel, from source pixel `first` on; of each pixel
 * the column of one channel is read.
 */
struct Columns {
  const std::int16_t* data;
  std::size_t first;
  std::size_t channels;
  std::size_t channel;
};

/** out = per target pixel one column of `passLines` samples, filtered along the line. */
void filterColumns(const Columns& columns, const Weights& weights, std::int16_t* out);

enum class ColorSpace { rgb, bt601Limited };

/** A line of three channels; each has room for its count of samples, rounded up to 64. */
struct Line {
  std::array<const std::int16_t*, 3> channels;
  ColorSpace space;
  std::size_t count;
};

/** Converts a line to RGB, clips it to 0 to 255 and stores it from pixel (x, y) of the target on. */
void storeLine(const Line& line, const PixelTarget& target, std::size_t x, std::size_t y);

}  // namespace hailstream
