#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/grid_head.h"
#include "kernels/nms.h"

/**
 * What the heads of YOLOv5 (Ultralytics) share before their in-graph decoding: per stride 8, 16 and 32 three anchors ×
 * (x y w h objectness, C classes, and what a kind of head has more), with the anchors of the published COCO models.
 */
namespace hailstream {

/** x y w h objectness. */
inline constexpr std::size_t anchorBoxFeatures = 5;

/** One anchor of one stride over its grid; width and height in input pixels. */
struct AnchorHead {
  Grid grid;
  float stride;
  float width;
  float height;
  std::uint32_t firstPlace;
};

/** In the order of the in-graph decoding. */
using AnchorHeads = std::vector<AnchorHead>;

/** Heads whose anchors lie one after another in the channels; nothing when there are none of so many features. */
std::optional<AnchorHeads> splitAnchorChannels(const GridHeads& grids);

/** Heads `[1 × 3 × h × w × features]`, whose anchors have an axis of their own. */
std::optional<AnchorHeads> splitAnchorAxis(std::span<const TensorView> tensors, const DecodeOptions& options);

const AnchorHead& headOf(const AnchorHeads& heads, std::uint32_t place);

/** The place's box in input pixels. */
Box anchorBoxAt(const AnchorHeads& heads, std::uint32_t place, const DecodeOptions& options);

/** Places whose objectness × best of `classes` passes, best first. */
std::vector<Candidate> findAnchorCandidates(const AnchorHeads& heads, std::size_t classes,
                                            const DecodeOptions& options);

}  // namespace hailstream
