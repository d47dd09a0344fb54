#include "kernels/best_class.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/best_class.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hailstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/** The larger of both lanes; unlike a plain maximum it keeps `best` where `value` is NaN, on every machine. */
HWY_INLINE Vector larger(Vector best, Vector value) {
  return hn::IfThenElse(hn::Gt(value, best), value, best);
}

/** Highest value of each of `count` (1 to 4) vectors of neighbouring places, into `highest`. */
template <std::size_t count>
HWY_INLINE void maxOverClasses(const float* scores, std::size_t classes, std::size_t stride, float* highest) {
  const Floats d;
  const auto none = hn::Set(d, -std::numeric_limits<float>::infinity());
  Vector a = none, b = none, c = none, e = none;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t label = 0; label < classes; label++, scores += stride) {
    a = larger(a, hn::LoadU(d, scores));
    if constexpr (count == 4) {
      b = larger(b, hn::LoadU(d, scores + lanes));
      c = larger(c, hn::LoadU(d, scores + 2 * lanes));
      e = larger(e, hn::LoadU(d, scores + 3 * lanes));
    }
  }
  hn::StoreU(a, d, highest);
  if constexpr (count == 4) {
    hn::StoreU(b, d, highest + lanes);
    hn::StoreU(c, d, highest + 2 * lanes);
    hn::StoreU(e, d, highest + 3 * lanes);
  }
}

/** Highest value over the classes for `count` places that lie side by side. */
void maxOfColumns(const float* scores, std::size_t count, std::size_t classes, std::size_t stride, float* highest) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t place = 0;
  for (; place + 4 * lanes <= count; place += 4 * lanes) {
    maxOverClasses<4>(scores + place, classes, stride, highest + place);
  }
  for (; place + lanes <= count; place += lanes) {
    maxOverClasses<1>(scores + place, classes, stride, highest + place);
  }
  for (; place < count; place++) {
    highest[place] = -std::numeric_limits<float>::infinity();
    for (std::size_t label = 0; label < classes; label++) {
      highest[place] = std::max(highest[place], scores[label * stride + place]);
    }
  }
}

/** Highest of the `classes` values of one place, which lie side by side. */
float maxOfRow(const float* scores, std::size_t classes) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::size_t label = 0;
  for (; label + lanes <= classes; label += lanes) best = larger(best, hn::LoadU(d, scores + label));
  float highest = hn::GetLane(hn::MaxOfLanes(d, best));
  for (; label < classes; label++) highest = std::max(highest, scores[label]);
  return highest;
}

void maxOfRows(const float* scores, std::size_t count, std::size_t classes, std::size_t stride, float* highest) {
  for (std::size_t place = 0; place < count; place++) highest[place] = maxOfRow(scores + place * stride, classes);
}

}  // namespace hailstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hailstream {
HWY_EXPORT(maxOfColumns);
HWY_EXPORT(maxOfRows);
namespace {

/** Places worked on at once: their scores of 80 classes (160 KB) are still in the L2 cache when the class is looked up.
 */
constexpr std::size_t blockPlaces = 512;

/** Appends the place with its best class when that reaches the floor. */
void takeBest(const ScoreGrid& grid, std::size_t place, float floor, std::uint32_t firstPlace,
              std::vector<Candidate>& found) {
  const float* scores = grid.scores + place * grid.placeStride;
  float best = -std::numeric_limits<float>::infinity();
  std::size_t bestLabel = grid.classes;
  for (std::size_t label = 0; label < grid.classes; label++) {
    const float score = scores[label * grid.classStride];
    if (!(score > best)) continue;
    best = score;
    bestLabel = label;
  }
  if (bestLabel == grid.classes || best < floor) return;
  found.push_back({best, static_cast<std::uint32_t>(bestLabel), firstPlace + static_cast<std::uint32_t>(place)});
}

void maxOfBlock(const ScoreGrid& grid, std::size_t first, std::size_t count, float* highest) {
  const float* scores = grid.scores + first * grid.placeStride;
  if (grid.placeStride == 1) {
    HWY_DYNAMIC_DISPATCH(maxOfColumns)(scores, count, grid.classes, grid.classStride, highest);
  } else {
    HWY_DYNAMIC_DISPATCH(maxOfRows)(scores, count, grid.classes, grid.placeStride, highest);
  }
}

}  // namespace

void findBestScalar(const ScoreGrid& grid, float floor, std::uint32_t firstPlace, std::vector<Candidate>& found) {
  for (std::size_t place = 0; place < grid.places; place++) takeBest(grid, place, floor, firstPlace, found);
}

void findBest(const ScoreGrid& grid, float floor, std::uint32_t firstPlace, std::vector<Candidate>& found) {
  if (grid.placeStride != 1 && grid.classStride != 1) return findBestScalar(grid, floor, firstPlace, found);
  float highest[blockPlaces];
  for (std::size_t first = 0; first < grid.places; first += blockPlaces) {
    const std::size_t count = std::min(blockPlaces, grid.places - first);
    maxOfBlock(grid, first, count, highest);
    for (std::size_t i = 0; i < count; i++) {
      if (highest[i] >= floor) takeBest(grid, first + i, floor, firstPlace, found);
    }
  }
}

}  // namespace hailstream
#endif
