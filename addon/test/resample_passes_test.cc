#include "kernels/resample_passes.h"

#include <random>
#include <vector>

#include "check.h"

using namespace hailstream;

namespace {

std::mt19937 randomNumbers(7);

std::size_t between(std::size_t least, std::size_t most) {
  return least + randomNumbers() % (most - least + 1);
}

/** Weights that sum up to 32767, as those of an axis. */
std::vector<std::int16_t> someWeights(std::size_t taps) {
  std::vector<std::int16_t> weights(taps);
  int left = 32767;
  for (std::size_t t = 0; t + 1 < taps; t++)
    left -= weights[t] = static_cast<std::int16_t>(left / int(taps) * 2 % (left + 1));
  weights.back() = static_cast<std::int16_t>(left);
  return weights;
}

/** A unit of 1/128 per product that is rounded, up to 16 of them. */
constexpr double rounding = 9;

}  // namespace

TEST("filters rows as plain sums do, for any width and number of taps") {
  for (int round = 0; round < 300; round++) {
    const std::size_t taps = round % 3 == 0 ? between(17, 200) : between(1, 16), width = between(1, 90);
    std::vector<std::vector<std::uint8_t>> rows(taps, std::vector<std::uint8_t>(width));
    std::vector<const std::uint8_t*> pointers;
    for (auto& row : rows) {
      for (auto& sample : row) sample = static_cast<std::uint8_t>(randomNumbers());
      pointers.push_back(row.data());
    }
    const auto weights = someWeights(taps);
    std::vector<std::int16_t> out(width);
    filterRows(pointers, weights.data(), width, out.data());
    for (std::size_t x = 0; x < width; x++) {
      double sum = 0;
      for (std::size_t t = 0; t < taps; t++) sum += double(rows[t][x]) * 128 * weights[t] / 32768;
      check::isNear(out[x], sum, rounding);
    }
  }
}

TEST("transposes matrices of any size, to the sample") {
  for (int round = 0; round < 100; round++) {
    const std::size_t rows = between(1, 40), columns = between(1, 70);
    const std::size_t stride = (columns + 7) / 8 * 8 + between(0, 9), outStride = (rows + 7) / 8 * 8 + between(0, 9);
    std::vector<std::int16_t> in(stride * 40), out(outStride * 72);
    for (auto& sample : in) sample = static_cast<std::int16_t>(randomNumbers());
    transpose({in.data(), stride}, rows, columns, {out.data(), outStride});
    for (std::size_t y = 0; y < rows; y++)
      for (std::size_t x = 0; x < columns; x++) check::equals(out[x * outStride + y], in[y * stride + x]);
  }
}

TEST("filters columns as plain sums do, for one to three channels") {
  for (const auto& [size, pixels] :
       {std::pair<std::size_t, std::size_t>{64, 32}, {64, 100}, {200, 3}, {5, 5}, {1, 7}}) {
    const auto weights = weightsFor(wholeAxis(size, 0, pixels));
    for (std::size_t channels = 1; channels <= 3; channels++) {
      std::vector<std::int16_t> columns(size * channels * passLines), out(pixels * passLines);
      for (auto& sample : columns) sample = static_cast<std::int16_t>(randomNumbers() % 32641);
      filterColumns({columns.data(), 0, channels, channels - 1}, *weights, out.data());
      for (std::size_t i = 0; i < pixels; i++)
        for (std::size_t y = 0; y < passLines; y++) {
          double sum = 0;
          for (std::size_t t = 0; t < weights->taps; t++)
            sum += double(columns[((weights->first[i] + t) * channels + channels - 1) * passLines + y]) *
                   weights->of(i)[t] / 32768;
          check::isNear(out[i * passLines + y], sum, rounding);
        }
    }
  }
}

TEST("stores lines of any length, interleaved or planar, and nothing beside them") {
  for (std::size_t count = 1; count < 70; count++) {
    std::vector<std::vector<std::int16_t>> samples(3, std::vector<std::int16_t>(128));
    for (auto& channel : samples)
      for (auto& sample : channel) sample = static_cast<std::int16_t>(randomNumbers() % 32641);
    const Line line{{samples[0].data(), samples[1].data(), samples[2].data()}, ColorSpace::rgb, count};
    std::vector<float> floats(3 * 72, -7);
    storeLine(line, {floats.data(), nullptr, 0, 3, 1, {1, 2, 3}, {0.5, 0.25, 2}}, 1, 0);
    std::vector<std::uint8_t> bytes(3 * 72, 77);
    storeLine(line, {nullptr, bytes.data(), 0, 1, 72, {}, {}}, 1, 0);
    for (std::size_t x = 0; x < count; x++) {
      check::isNear(floats[3 * (x + 1)], (samples[0][x] / 128.0 - 1) * 0.5, 1e-4);
      check::isNear(floats[3 * (x + 1) + 2], (samples[2][x] / 128.0 - 3) * 2, 1e-4);
      check::isNear(bytes[72 + x + 1], samples[1][x] / 128.0, 0.51);
    }
    for (std::size_t c = 0; c < 3; c++) {
      check::equals(int(bytes[72 * c]), 77);
      check::equals(int(bytes[72 * c + count + 1]), 77);
    }
    check::equals(floats[2], -7.0F);
    check::equals(floats[3 * (count + 1)], -7.0F);
  }
}
