#pragma once

#include <cstddef>
#include <cstdint>

/** Between JPEG's full-range YUV (0 to 255) and video's limited range (luma 16 to 235, chroma 16 to 240), in SIMD. */
namespace hailstream {

/** out = (in − from) × (whole + part / 32768) + to, rounded and clipped to 0 to 255. */
struct RangeMap {
  std::int16_t from;
  std::int16_t whole;
  std::int16_t part;
  std::int16_t to;
};

inline constexpr RangeMap lumaToLimited{0, 0, 32768 * 219 / 255, 16};
inline constexpr RangeMap chromaToLimited{128, 0, 32768 * 224 / 255, 128};
inline constexpr RangeMap lumaToFull{16, 1, 32768 * 36 / 219, 0};
inline constexpr RangeMap chromaToFull{128, 1, 32768 * 31 / 224, 128};

/** Maps `count` samples; `in` and `out` may be the same. */
void mapRow(const std::uint8_t* in, std::uint8_t* out, std::size_t count, const RangeMap& map);

/** Maps two rows of `count` samples and interleaves them, as nv12 has its chroma. */
void mapInterleaving(const std::uint8_t* u, const std::uint8_t* v, std::uint8_t* uv, std::size_t count,
                     const RangeMap& map);

/** Maps an interleaved row of `count` pairs to two rows. */
void mapDeinterleaving(const std::uint8_t* uv, std::uint8_t* u, std::uint8_t* v, std::size_t count,
                       const RangeMap& map);

}  // namespace hailstream
