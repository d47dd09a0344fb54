#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "kernels/masks.h"

namespace hailstream {

/** Bytes of masks, before they are runs, of one question: 100 rows over a whole grid of 640 × 640 cells take 41 MB. */
inline constexpr std::size_t mostMaskBytes = 64 << 20;

/**
 * Masks of rows on the source's pixels as COCO's compressed runs (cocoapi, `rleToString`): down each column, the
 * columns from left to right, and of `sourceHeight` × `sourceWidth`. A pixel within the row's box belongs to the mask
 * where the cells around its middle, taken linearly, are above half.
 */
std::vector<std::string> encodeRuns(std::span<const float> rows, const MaskSheet& masks, const DecodeOptions& options);

/** Rows with masks by `decode`, which is given the sheet, and the masks' runs. */
struct RowsWithRuns {
  std::vector<float> rows;
  std::vector<std::string> runs;
};

/** Runs a kernel with masks on memory of its own. Throws what the kernel throws, `too-large` among it. */
template <typename DecodeInto>
RowsWithRuns decodeRuns(const DecodeOptions& options, DecodeInto decodeInto) {
  // Touched only as far as there are masks.
  const auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(mostMaskBytes);
  MaskSheet masks({memory.get(), mostMaskBytes});
  RowsWithRuns result{decodeInto(masks), {}};
  result.runs = encodeRuns(result.rows, masks, options);
  return result;
}

}  // namespace hailstream
