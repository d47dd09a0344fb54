#include "kernels/masks.h"

#include <limits>
#include <random>

#include "decode_rows.h"

using namespace hailstream;

namespace {

std::mt19937 randomNumbers(5);

float someNumber() {
  return static_cast<float>(randomNumbers() % 2001) / 1000 - 1;
}

/** The mask of a crop, by the way that is measured. */
using Write = void (*)(const Grid&, std::span<const float>, const MaskCrop&, std::span<std::uint8_t>);

std::vector<std::uint8_t> maskBy(Write write, const Grid& prototypes, const std::vector<float>& coefficients,
                                 const MaskCrop& crop) {
  std::vector<std::uint8_t> mask(crop.width * crop.height, 99);
  write(prototypes, coefficients, crop, mask);
  return mask;
}

}  // namespace

TEST("a mask is the sigmoid of coefficients times prototypes, in either layout as the plain way has it") {
  for (const std::size_t channels : {1, 3, 8, 32, 37}) {
    OwnedTensor tensor({1, 24, 31, channels});
    for (auto& value : tensor.values) value = someNumber();
    OwnedTensor turned({1, channels, 24, 31});
    for (std::size_t i = 0; i < tensor.values.size(); i++)
      turned.values[i % channels * 24 * 31 + i / channels] = tensor.values[i];
    std::vector<float> coefficients(channels);
    for (auto& value : coefficients) value = 3 * someNumber();
    const MaskCrop crop{5, 3, 17, 20};
    const auto expected = maskBy(writeMaskScalar, gridOf(tensor.view(), GridLayout::nhwc), coefficients, crop);
    for (const auto& grid : {gridOf(tensor.view(), GridLayout::nhwc), gridOf(turned.view(), GridLayout::nchw)}) {
      const auto mask = maskBy(writeMask, grid, coefficients, crop);
      for (std::size_t i = 0; i < mask.size(); i++) check::isNear(mask[i], expected[i], 1);
    }
  }
}

TEST("a cell belongs to a mask from 128 on, where its logit is above 0") {
  OwnedTensor tensor({1, 1, 6, 1});
  tensor.values = {0, 0.02f, -0.02f, 30, -30, std::numeric_limits<float>::quiet_NaN()};
  const auto mask = maskBy(writeMask, gridOf(tensor.view(), GridLayout::nhwc), {1}, {0, 0, 6, 1});
  const std::vector<int> expected = {127, 129, 126, 255, 0, 0};
  for (std::size_t i = 0; i < expected.size(); i++) check::equals(int{mask[i]}, expected[i]);
}

TEST("a crop has the cells that the box touches, on the grid and on the source alone") {
  MaskSheet masks;
  masks.setGrid(16, 8);
  const auto options = optionsOf(64, 32);
  const auto isCrop = [&](const Box& box, const std::vector<std::size_t>& expected,
                          const check::Place place = check::Place::current()) {
    const MaskCrop crop = masks.cropOf(box, options);
    const std::vector received = {crop.x, crop.y, crop.width, crop.height};
    for (std::size_t i = 0; i < 4; i++) check::equals(received[i], expected[i], place);
  };
  isCrop({8, 4, 24, 20}, {2, 1, 4, 4});
  isCrop({9, 5, 23, 19}, {2, 1, 4, 4});
  isCrop({-100, -1e30f, 1e30f, 500}, {0, 0, 16, 8});
  isCrop({9, 9, 10, 10}, {2, 2, 1, 1});
  auto padded = options;
  padded.toSource = {2, 0, 0, 0, 2, -16};  // the source lies from y = 8 to 24
  padded.sourceWidth = 128;
  padded.sourceHeight = 32;
  const MaskCrop crop = masks.cropOf({8, 0, 24, 32}, padded);
  check::equals(crop.y, 2u);
  check::equals(crop.height, 4u);
  isCrop({100, 100, 200, 200}, {16, 8, 0, 0});
}
