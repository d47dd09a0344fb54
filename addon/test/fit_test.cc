#include "kernels/fit.h"

#include "check.h"
#include "scalar_resample.h"

using namespace hailstream;

namespace {

/** Levels of 255 by which fixed point may differ; BT.601 stretches differences by up to 2.02 × 255 / 224. */
double toleranceFor(PixelFormat format) {
  return format == PixelFormat::rgb ? 0.1 : 0.25;
}

FitOptions optionsFor(std::size_t width, std::size_t height) {
  return {width, height, Stretch{}, false, 114, {0, 0, 0}, {1, 1, 1}};
}

scalar::Rgb apply(const Affine& m, std::size_t x, std::size_t y) {
  const double column = double(x) + 0.5, line = double(y) + 0.5;
  return {m[0] * column + m[1] * line + m[2], m[3] * column + m[4] * line + m[5]};
}

/** Compares a fit with the oracle by way of the affine that it gave back; what lies outside must be the pad value. */
void compare(const ImageView& image, const FitOptions& options) {
  std::vector<float> tensor(3 * options.width * options.height, -1);
  const Affine m = fit(image, options, tensor);
  for (std::size_t y = 0; y < options.height; y++)
    for (std::size_t x = 0; x < options.width; x++) {
      const auto [sourceX, sourceY, unused] = apply(m, x, y);
      const bool inside =
          sourceX >= 0 && sourceY >= 0 && sourceX < double(image.width) && sourceY < double(image.height);
      const scalar::Rgb expected = inside ? scalar::colorAt(image, sourceX, sourceY, m[0], m[4])
                                          : scalar::Rgb{options.pad, options.pad, options.pad};
      for (std::size_t c = 0; c < 3; c++)
        check::isNear(tensor[(y * options.width + x) * 3 + c], expected[c], inside ? toleranceFor(image.format) : 0);
    }
}

constexpr PixelFormat formats[] = {PixelFormat::rgb, PixelFormat::nv12, PixelFormat::i420};

}  // namespace

TEST("agrees with the oracle for every format, odd sizes, 1 x 1 and extreme shrinking") {
  std::mt19937 random(1);
  const std::size_t sizes[][4] = {{1, 1, 1, 1},     {1, 1, 9, 5},     {2, 3, 7, 7},      {5, 5, 5, 5},
                                  {33, 17, 16, 16}, {64, 48, 32, 32}, {101, 67, 20, 31}, {1500, 9, 2, 2},
                                  {9, 1200, 3, 1},  {40, 30, 97, 61}};
  for (const PixelFormat format : formats)
    for (const auto& [width, height, targetWidth, targetHeight] : sizes) {
      const scalar::RandomImage image(format, width, height, random);
      compare(image.view, optionsFor(targetWidth, targetHeight));
      FitOptions letterbox = optionsFor(targetWidth, targetHeight);
      letterbox.mode = Letterbox{};
      compare(image.view, letterbox);
    }
}

TEST("agrees with the oracle for random sizes") {
  std::mt19937 random(2);
  const auto side = [&] { return 1 + random() % 80; };
  for (int round = 0; round < 60; round++) {
    const scalar::RandomImage image(formats[round % 3], side(), side(), random);
    FitOptions options = optionsFor(side(), side());
    if (round % 2 == 0) options.mode = Letterbox{};
    compare(image.view, options);
  }
}

TEST("crops boxes that lie within, across and outside of the source") {
  std::mt19937 random(3);
  const CropBox boxes[] = {
      {3.25, 4.5, 20, 11}, {-5, -6.5, 30, 30}, {40, 30, 50, 50}, {-100, 3, 20, 20}, {7, 7, 0.5, 0.5}};
  for (const PixelFormat format : formats)
    for (const CropBox& box : boxes) {
      const scalar::RandomImage image(format, 61, 43, random);
      FitOptions options = optionsFor(24, 18);
      options.mode = box;
      compare(image.view, options);
    }
}

TEST("letterboxes in the middle, and tells how tensor and source lie on each other") {
  std::mt19937 random(4);
  const scalar::RandomImage image(PixelFormat::rgb, 128, 72, random);
  FitOptions options = optionsFor(64, 64);
  options.mode = Letterbox{};
  std::vector<float> tensor(3 * 64 * 64);
  const Affine m = fit(image.view, options, tensor);
  check::isTrue(m == Affine{2, 0, 0, 0, 2, -28}, "36 rows from row 14 on");
  check::equals(tensor[3 * 64 * 13 + 5], 114.0F);
  check::equals(tensor[3 * 64 * 50 + 5], 114.0F);
}

TEST("lays channels out in planes and normalises each with its own mean and scale") {
  const std::vector<std::uint8_t> pixel{10, 20, 30, 0};
  FitOptions options{1, 2, Letterbox{}, true, 100, {1, 2, 3}, {1, 0.5, 2}};
  std::vector<float> tensor(6);
  fit({PixelFormat::rgb, 1, 1, pixel.data()}, options, tensor);
  const double expected[] = {9, 99, 9, 49, 54, 194};
  for (std::size_t i = 0; i < 6; i++) check::isNear(tensor[i], expected[i], 0.05);
}

TEST("fills bytes with rounded values and ignores mean and scale") {
  std::mt19937 random(5);
  const scalar::RandomImage image(PixelFormat::i420, 37, 23, random);
  FitOptions options{20, 20, Letterbox{}, true, 114, {9, 9, 9}, {5, 5, 5}};
  std::vector<std::uint8_t> bytes(1200);
  fit(image.view, options, bytes);
  FitOptions plain{20, 20, Letterbox{}, true, 114, {0, 0, 0}, {1, 1, 1}};
  std::vector<float> floats(1200);
  fit(image.view, plain, floats);
  for (std::size_t i = 0; i < 1200; i++) check::isNear(bytes[i], floats[i], 0.501);
}

TEST("converts limited-range YUV: black, white and the primaries") {
  const std::uint8_t cases[][6] = {{16, 128, 128, 0, 0, 0},  {235, 128, 128, 255, 255, 255}, {81, 90, 240, 254, 0, 0},
                                   {145, 54, 34, 0, 255, 1}, {41, 240, 110, 0, 0, 255},      {0, 128, 128, 0, 0, 0}};
  for (const auto& [y, u, v, r, g, b] : cases) {
    std::vector<std::uint8_t> bytes(layoutOf(PixelFormat::i420, 1, 1).bytes);
    bytes[0] = y, bytes[8] = u, bytes[12] = v;
    std::vector<std::uint8_t> rgb(4);
    convertToRgb({PixelFormat::i420, 1, 1, bytes.data()}, 1, 1, rgb);
    check::isNear(rgb[0], r, 1);
    check::isNear(rgb[1], g, 1);
    check::isNear(rgb[2], b, 1);
  }
}

TEST("warps through an affine as the box of the same pixels does") {
  std::mt19937 random(6);
  for (const PixelFormat format : formats) {
    const scalar::RandomImage image(format, 60, 40, random);
    FitOptions options = optionsFor(30, 20);
    options.mode = Affine{1, 0, 12, 0, 1, 9};
    std::vector<float> warped(1800), cropped(1800);
    fit(image.view, options, warped);
    options.mode = CropBox{12, 9, 30, 20};
    fit(image.view, options, cropped);
    for (std::size_t i = 0; i < 1800; i++) check::isNear(warped[i], cropped[i], 0.7);
  }
}

TEST("turns a picture by a quarter, to the pixel, and pads beside it") {
  std::mt19937 random(8);
  const scalar::RandomImage image(PixelFormat::rgb, 12, 9, random);
  FitOptions options = optionsFor(9, 14);
  options.mode = Affine{0, 1, 0, -1, 0, 9};
  std::vector<float> turned(3 * 9 * 14);
  fit(image.view, options, turned);
  for (std::size_t y = 0; y < 14; y++)
    for (std::size_t x = 0; x < 9; x++)
      check::isNear(turned[3 * (9 * y + x)], y < 12 ? image.bytes[36 * (8 - x) + 3 * y] : 114, 0.6);
}

TEST("averages before it warps to a smaller size: a fine checkerboard becomes grey") {
  std::vector<std::uint8_t> bytes(layoutOf(PixelFormat::rgb, 128, 128).bytes);
  for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = (i / 3 % 128 + i / 384) % 2 == 0 ? 0 : 255;
  FitOptions options = optionsFor(16, 16);
  const double c = 5 * std::cos(0.5), s = 5 * std::sin(0.5);
  options.mode = Affine{c, -s, 64 - 8 * (c - s), s, c, 64 - 8 * (s + c)};
  std::vector<float> tensor(768);
  fit({PixelFormat::rgb, 128, 128, bytes.data()}, options, tensor);
  for (const float value : tensor) check::isNear(value, 127.5, 20);
}

TEST("pads everything where an affine misses the source") {
  std::mt19937 random(9);
  const scalar::RandomImage image(PixelFormat::nv12, 20, 20, random);
  for (const Affine& m : {Affine{1, 0, 500, 0, 1, 500}, Affine{1, 0, -500, 0, 1, -500}, Affine{0, 0, -1, 0, 0, 3}}) {
    FitOptions options = optionsFor(8, 8);
    options.mode = m;
    std::vector<float> tensor(192, -1);
    fit(image.view, options, tensor);
    for (const float value : tensor) check::equals(value, 114.0F);
  }
}
