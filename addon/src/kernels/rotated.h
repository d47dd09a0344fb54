#pragma once

#include <vector>

#include "kernels/nms.h"

namespace hailstream {

/**
 * A box whose sides need not lie along the picture's: middle and sides in pixels, `angle` in radians from the x axis to
 * the side `width`, growing towards the y axis, which points down.
 */
struct RotatedBox {
  float x, y, width, height, angle;
};

struct RotatedDetection {
  RotatedBox box;
  Candidate candidate;
};

/**
 * How much two boxes overlap, 0 to 1, each taken for the Gaussian with its moments: 1 − Hellinger distance (Llerena et
 * al. 2021, "Gaussian Bounding Boxes and Probabilistic Intersection-over-Union"), which Ultralytics' suppression of
 * oriented boxes takes for IoU too.
 */
float rotatedOverlap(const RotatedBox& first, const RotatedBox& second);

/**
 * As `suppress`, for rotated boxes. They are not clipped: one whose middle lies outside of the source is dropped. An
 * affine that shears keeps what it makes of the middle and of the length of each side.
 */
std::vector<RotatedDetection> suppressRotated(const std::vector<RotatedDetection>& sorted,
                                              const DecodeOptions& options);

/** Rows `[count × 7] float32: cx cy w h angle score class`, in source pixels, angle from −π/2 up to π/2. */
std::vector<float> rotatedRows(const std::vector<RotatedDetection>& kept);

}  // namespace hailstream
