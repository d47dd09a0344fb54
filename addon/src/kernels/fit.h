#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "core/image.h"

namespace hailstream {

/** Where the source's pixels go: letterbox keeps the aspect ratio and centres, stretch fills. */
struct Letterbox {};
struct Stretch {};
/** A box in source pixels; what lies outside of the source is padded. */
struct CropBox {
  double x, y, width, height;
};

struct FitOptions {
  std::size_t width;
  std::size_t height;
  /** An Affine goes from tensor to source pixels. */
  std::variant<Letterbox, Stretch, CropBox, Affine> mode;
  /** Shape [3, height, width] instead of [height, width, 3]. */
  bool planar;
  /** Value 0 to 255 of what lies outside of the source, before mean and scale. */
  float pad;
  /** Per channel R, G, B: output = (value − mean) × scale. Ignored for uint8. */
  std::array<float, 3> mean;
  std::array<float, 3> scale;
};

/**
 * Fills `target` (3 × width × height) with the image's pixels. The filter is a triangle, widened by the shrink factor,
 * with half-pixel centres: bilinear where it enlarges, antialiased where it shrinks. Gives the affine from tensor to
 * source pixels.
 */
Affine fit(const ImageView& image, const FitOptions& options, std::span<float> target);
Affine fit(const ImageView& image, const FitOptions& options, std::span<std::uint8_t> target);

/** Resizes to packed RGB in our layout, rows padded to 4 bytes; `target` holds layoutOf(rgb, width, height) bytes. */
void convertToRgb(const ImageView& image, std::size_t width, std::size_t height, std::span<std::uint8_t> target);

}  // namespace hailstream
