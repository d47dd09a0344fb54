#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/grid_head.h"
#include "kernels/nms.h"

/**
 * What the heads of YOLOv8 and YOLO11 share before their in-graph decoding: per stride 8, 16 and 32 a tensor of 64
 * channels (left, top, right, bottom × 16 bins, in cells from the middle of the cell) and one of C class logits (scores
 * where `activated`), or both as one of 64 + C channels. Boxes: distribution focal loss (Li et al. 2020, "Generalized
 * Focal Loss"), anchors in the middle of their cells, as in Ultralytics' `dist2bbox`.
 */
namespace hailstream {

/** What one stride's grid gives. `extra` (joints, coefficients, angles) has no channels in a head without. */
struct DflStride {
  Grid boxes;
  Grid classes;
  Grid extra;
  std::size_t stride;
  std::uint32_t firstPlace;
};

using DflHeads = std::array<DflStride, strides.size()>;

/**
 * The heads of the grids, each stride's with a tensor of `extraChannels` beside boxes and classes where that is not 0:
 * the last that has so many. Nothing when the channels make no sense.
 */
std::optional<DflHeads> readDflHeads(GridHeads grids, std::size_t extraChannels);

/** The head that the place belongs to. */
const DflStride& headOf(const DflHeads& heads, std::uint32_t place);

/** left, top, right, bottom: expectations of the softmax over a side's bins, in cells. */
std::array<float, 4> dflDistances(const DflStride& head, std::size_t cell);

/** The place's box in input pixels. */
Box dflBoxAt(const DflHeads& heads, std::uint32_t place);

/** Places whose best class passes, best first. */
std::vector<Candidate> findDflCandidates(const DflHeads& heads, const DecodeOptions& options);

}  // namespace hailstream
