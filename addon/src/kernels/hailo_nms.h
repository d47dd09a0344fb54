#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernel.h"
#include "kernels/masks.h"

/**
 * Detections as HailoRT packs them after its own suppression: little endian, boxes normalised 0 to 1 as y_min x_min
 * y_max x_max. What a device sent is not trusted: every count and offset is checked against the frame.
 */
namespace hailstream {

/**
 * `byClass`: per class a float32 count and so many (box, score) of 20 bytes, the next class at once behind. `byScore`:
 * a uint16 count, then (box, score, uint16 class) of 22 bytes. `byteMask`: a uint16 count, then 46 bytes each (box,
 * score, class, u64 mask size, u64 unused, u64 mask offset in the frame) with the mask behind it, or all masks behind
 * the last, one byte per pixel of the box. `byteMaskWithoutOffset`, of HailoRT before 5.2.0: the same in 38 bytes, each
 * mask behind its detection.
 */
enum class HailoNmsLayout { byClass, byScore, byteMask, byteMaskWithoutOffset };

constexpr bool hasMasks(HailoNmsLayout layout) {
  return layout == HailoNmsLayout::byteMask || layout == HailoNmsLayout::byteMaskWithoutOffset;
}

struct HailoNmsShape {
  HailoNmsLayout layout;
  std::size_t classes;
  /** byClass: most boxes of one class; otherwise most boxes of all. */
  std::size_t maxBoxes;
};

/** One box as it came: normalised corners, and the bytes of its mask where the layout has masks. */
struct HailoBox {
  float x1, y1, x2, y2;
  float score;
  std::uint32_t label;
  std::span<const std::uint8_t> mask;
};

/** All boxes of a frame. Throws `internal` when a count, class, offset or size does not fit. */
std::vector<HailoBox> readHailoBoxes(std::span<const std::uint8_t> frame, const HailoNmsShape& shape);

/** `hailo-nms`: rows `[count × 6] float32: x1 y1 x2 y2 score class` in source pixels, best first. `iou` means nothing
 * here. */
std::vector<float> decodeHailoNms(std::span<const std::uint8_t> frame, const HailoNmsShape& shape,
                                  const DecodeOptions& options);

/** `hailo-masks`: of boxes with byte masks rows of ten values and the masks that they name (masks.h), whose grid is the
 * network's input. Throws `internal` when a mask is not as large as its box. */
std::vector<float> decodeHailoMasks(std::span<const std::uint8_t> frame, const HailoNmsShape& shape,
                                    const DecodeOptions& options, MaskSheet& masks);

}  // namespace hailstream
