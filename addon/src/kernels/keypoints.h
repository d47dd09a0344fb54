#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "kernels/kernel.h"

namespace hailstream {

/** The joints of COCO, in its order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before
 * right. */
inline constexpr std::size_t jointCount = 17;

/** In input pixels. */
struct Joint {
  float x, y, score;
};

using Pose = std::array<Joint, jointCount>;

bool isFinite(const Pose& pose);

/** Appends 17 × (x y score), in source pixels, clipped to the source. */
void appendPose(std::vector<float>& rows, const Pose& pose, const DecodeOptions& options);

}  // namespace hailstream
