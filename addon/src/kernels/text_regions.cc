#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "kernels/least_box.h"

/** Regions of text from a map of how probable text is at each place (Liao et al. 2020, "Real-time Scene Text Detection
 * with Differentiable Binarization"), as PaddleOCR reads it. */
namespace hailstream {
namespace {

/** Places above this belong to a region. */
constexpr float textFrom = 0.3f;
/** Networks shrink regions so that neighbours keep apart; this share of area / perimeter is given back. */
constexpr float growth = 1.6f;
/** Shorter sides are specks, before and after growing, in places of the map. */
constexpr float leastSide = 3;
constexpr float leastGrownSide = 5;
constexpr std::size_t mostRegions = 1000;
constexpr std::size_t rowWidth = 9;

struct Map {
  const float* values;
  std::size_t width;
  std::size_t height;

  bool isText(std::size_t at) const { return values[at] > textFrom; }
};

struct Region {
  Corners corners;
  float score;
};

/** For sums over parts of rows: element y · (width + 1) + x is the sum of the row's first x values. */
std::vector<double> sumRows(const Map& map) {
  std::vector<double> sums((map.width + 1) * map.height);
  for (std::size_t y = 0; y < map.height; y++) {
    for (std::size_t x = 0; x < map.width; x++) {
      const float value = map.values[y * map.width + x];
      const std::size_t at = y * (map.width + 1) + x;
      sums[at + 1] = sums[at] + (std::isfinite(value) ? value : 0);
    }
  }
  return sums;
}

/** Leftmost and rightmost middle of each row of the region that has the place, which is marked as seen. */
std::vector<Point> outline(const Map& map, std::size_t start, std::vector<bool>& seen,
                           std::vector<std::size_t>& stack) {
  struct Row {
    std::size_t low, high;
  };
  std::size_t top = start / map.width;
  std::vector<Row> rows;
  stack.assign(1, start);
  seen[start] = true;
  while (!stack.empty()) {
    const std::size_t at = stack.back();
    stack.pop_back();
    const std::size_t x = at % map.width;
    const std::size_t y = at / map.width;
    // The start lies in the region's first row, as places are looked at from top to bottom.
    if (rows.size() <= y - top) rows.resize(y - top + 1, {map.width, 0});
    auto& row = rows[y - top];
    row = {std::min(row.low, x), std::max(row.high, x)};
    for (std::size_t j = y - std::min<std::size_t>(y, 1); j < std::min(map.height, y + 2); j++) {
      for (std::size_t i = x - std::min<std::size_t>(x, 1); i < std::min(map.width, x + 2); i++) {
        const std::size_t next = j * map.width + i;
        if (seen[next] || !map.isText(next)) continue;
        seen[next] = true;
        stack.push_back(next);
      }
    }
  }
  std::vector<Point> points;
  for (std::size_t i = 0; i < rows.size(); i++) {
    const float y = static_cast<float>(top + i) + 0.5f;
    for (const auto x : {rows[i].low, rows[i].high}) points.push_back({static_cast<float>(x) + 0.5f, y});
  }
  return points;
}

/** The mean of the map inside the corners. */
float meanInside(const Map& map, const std::vector<double>& sums, const Corners& corners) {
  double sum = 0;
  double count = 0;
  const auto clampTo = [](float value, std::size_t most) {
    return static_cast<std::size_t>(std::clamp(value, 0.0f, static_cast<float>(most)));
  };
  const auto [low, high] = std::ranges::minmax(corners, {}, &Point::y);
  for (std::size_t y = clampTo(std::floor(low.y), map.height); y < clampTo(std::ceil(high.y), map.height); y++) {
    const float middle = std::clamp(static_cast<float>(y) + 0.5f, low.y, high.y);
    float left = std::numeric_limits<float>::max();
    float right = std::numeric_limits<float>::lowest();
    for (std::size_t i = 0; i < corners.size(); i++) {
      const Point a = corners[i];
      const Point b = corners[(i + 1) % corners.size()];
      if ((a.y < middle && b.y < middle) || (a.y > middle && b.y > middle)) continue;
      const float share = a.y == b.y ? 0 : (middle - a.y) / (b.y - a.y);
      for (const float x : {a.x + share * (b.x - a.x), a.y == b.y ? b.x : a.x + share * (b.x - a.x)})
        left = std::min(left, x), right = std::max(right, x);
    }
    const std::size_t from = clampTo(std::floor(left), map.width);
    const std::size_t to = std::max(from, clampTo(std::ceil(right), map.width));
    const std::size_t row = y * (map.width + 1);
    sum += sums[row + to] - sums[row + from];
    count += static_cast<double>(to - from);
  }
  return count > 0 ? static_cast<float>(sum / count) : 0;
}

float shortSide(const Corners& corners) {
  return std::min(distanceBetween(corners[0], corners[1]), distanceBetween(corners[1], corners[2]));
}

/** Begins with the top left corner: of the two on the left the upper one. */
Corners fromTopLeft(Corners corners) {
  auto byX = corners;
  std::ranges::stable_sort(byX, {}, &Point::x);
  const Point first = byX[0].y <= byX[1].y ? byX[0] : byX[1];
  const auto at = std::ranges::find_if(corners, [&](Point point) { return point.x == first.x && point.y == first.y; });
  std::ranges::rotate(corners, at);
  return corners;
}

std::vector<Region> findRegions(const Map& map, float minScore) {
  const auto sums = sumRows(map);
  std::vector<bool> seen(map.width * map.height);
  std::vector<std::size_t> stack;
  std::vector<Region> regions;
  for (std::size_t at = 0; at < seen.size() && regions.size() < mostRegions; at++) {
    if (seen[at] || !map.isText(at)) continue;
    const Corners tight = leastBox(outline(map, at, seen, stack));
    const float width = distanceBetween(tight[0], tight[1]);
    const float height = distanceBetween(tight[1], tight[2]);
    if (std::min(width, height) < leastSide) continue;
    const float score = meanInside(map, sums, tight);
    if (!(score >= minScore)) continue;
    const Corners grown = growBox(tight, growth * width * height / (2 * (width + height)));
    if (shortSide(grown) >= leastGrownSide) regions.push_back({grown, score});
  }
  return regions;
}

Point middleOf(const Corners& corners) {
  return {(corners[0].x + corners[2].x) / 2, (corners[0].y + corners[2].y) / 2};
}

/** Lines from top to bottom, and those beside each other from left to right. */
void sortForReading(std::vector<Region>& regions) {
  std::ranges::sort(regions, {}, [](const Region& region) { return middleOf(region.corners).y; });
  for (auto first = regions.begin(); first != regions.end();) {
    const float below = middleOf(first->corners).y + shortSide(first->corners) / 2;
    const auto last =
        std::find_if(first, regions.end(), [&](const Region& other) { return middleOf(other.corners).y > below; });
    std::sort(first, last,
              [](const Region& a, const Region& b) { return middleOf(a.corners).x < middleOf(b.corners).x; });
    first = last;
  }
}

/**
 * `text-regions`: `[1 × 1 × h × w]` or `[1 × h × w × 1]`, probabilities over the whole input. Rows `[count × 9]
 * float32: 4 × (x y) score`: corners clockwise from the top left one, in the order in which one reads; of more than
 * `maxRows` the surest stay.
 */
std::vector<float> decodeText(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const bool fits = tensors.size() == 1 && tensors[0].shape.size() == 4 && tensors[0].shape[0] == 1 &&
                    (tensors[0].shape[1] == 1 || tensors[0].shape[3] == 1);
  if (!fits) rejectTensors("text-regions", "[1 × 1 × h × w] or [1 × h × w × 1]", tensors);
  const auto& shape = tensors[0].shape;
  const std::size_t first = shape[1] == 1 ? 2 : 1;
  const Map map{tensors[0].data.data(), shape[first + 1], shape[first]};
  auto regions = findRegions(map, options.minScore);
  if (regions.size() > options.maxRows) {
    std::ranges::sort(regions, std::greater(), &Region::score);
    regions.resize(options.maxRows);
  }
  const auto across = static_cast<float>(options.inputWidth / static_cast<double>(map.width));
  const auto down = static_cast<float>(options.inputHeight / static_cast<double>(map.height));
  for (auto& region : regions) {
    for (auto& corner : region.corners) corner = toSource({corner.x * across, corner.y * down}, options);
  }
  sortForReading(regions);
  std::vector<float> rows;
  for (const auto& region : regions) {
    for (const auto& corner : fromTopLeft(region.corners)) rows.insert(rows.end(), {corner.x, corner.y});
    rows.push_back(region.score);
  }
  return rows;
}

const KernelEntry text{"text-regions", rowWidth, decodeText};

}  // namespace
}  // namespace hailstream
