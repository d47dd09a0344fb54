#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/nms.h"

namespace hailstream {

/** Class scores (or logits) of every place of a head: the value of class c at place p is `scores[p·placeStride +
 * c·classStride]`. */
struct ScoreGrid {
  const float* scores;
  std::size_t places;
  std::size_t classes;
  std::size_t placeStride;
  std::size_t classStride;
};

/**
 * Appends, in order, every place whose highest class value is at least `floor`, with that class (the lowest of equals)
 * and `firstPlace` added to its number. NaN never wins. SIMD when places or classes lie side by side.
 */
void findBest(const ScoreGrid& grid, float floor, std::uint32_t firstPlace, std::vector<Candidate>& found);

/** The same without SIMD: the oracle of the tests. */
void findBestScalar(const ScoreGrid& grid, float floor, std::uint32_t firstPlace, std::vector<Candidate>& found);

}  // namespace hailstream
