#include "kernels/dfl_head.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

namespace hailstream {
namespace {

constexpr std::size_t bins = 16;
constexpr std::size_t boxChannels = 4 * bins;

/** Boxes and classes of a stride, apart or as one tensor, boxes first. */
bool readBoxes(const std::vector<Grid>& grids, DflStride& head) {
  if (grids.size() == 1 && grids[0].channels > boxChannels) {
    head.boxes = grids[0].slice(0, boxChannels);
    head.classes = grids[0].slice(boxChannels, grids[0].channels - boxChannels);
    return true;
  }
  if (grids.size() != 2) return false;
  const std::size_t boxes = grids[0].channels == boxChannels ? 0 : 1;
  head.boxes = grids[boxes];
  head.classes = grids[1 - boxes];
  return head.boxes.channels == boxChannels && head.classes.channels > 0;
}

/** Takes the tensor of so many channels out; false when there is none. */
bool takeExtra(std::vector<Grid>& grids, std::size_t channels, DflStride& head) {
  const auto last = std::ranges::find(grids | std::views::reverse, channels, &Grid::channels);
  if (last == grids.rend()) return false;
  head.extra = *last;
  grids.erase(std::next(last).base());
  return true;
}

/** Expectation of the softmax over the 16 bins of one side, in cells. */
float distance(const Grid& boxes, std::size_t side, std::size_t cell) {
  float highest = -std::numeric_limits<float>::infinity();
  for (std::size_t bin = 0; bin < bins; bin++) highest = std::max(highest, boxes.at(side * bins + bin, cell));
  float sum = 0;
  float weighted = 0;
  for (std::size_t bin = 0; bin < bins; bin++) {
    const float weight = std::exp(boxes.at(side * bins + bin, cell) - highest);
    sum += weight;
    weighted += weight * static_cast<float>(bin);
  }
  return weighted / sum;
}

}  // namespace

std::optional<DflHeads> readDflHeads(GridHeads grids, std::size_t extraChannels) {
  DflHeads heads{};
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    if (extraChannels > 0 && !takeExtra(grids[i], extraChannels, heads[i])) return std::nullopt;
    if (!readBoxes(grids[i], heads[i])) return std::nullopt;
    if (heads[i].classes.channels != heads[0].classes.channels) return std::nullopt;
    heads[i].stride = strides[i];
    heads[i].firstPlace = places;
    places += static_cast<std::uint32_t>(heads[i].classes.cells);
  }
  return heads;
}

const DflStride& headOf(const DflHeads& heads, std::uint32_t place) {
  if (place >= heads[2].firstPlace) return heads[2];
  return place >= heads[1].firstPlace ? heads[1] : heads[0];
}

std::array<float, 4> dflDistances(const DflStride& head, std::size_t cell) {
  return {distance(head.boxes, 0, cell), distance(head.boxes, 1, cell), distance(head.boxes, 2, cell),
          distance(head.boxes, 3, cell)};
}

Box dflBoxAt(const DflHeads& heads, std::uint32_t place) {
  const auto& head = headOf(heads, place);
  const std::size_t cell = place - head.firstPlace;
  const auto stride = static_cast<float>(head.stride);
  const float x = static_cast<float>(cell % head.boxes.width) + 0.5f;
  const float y = static_cast<float>(cell / head.boxes.width) + 0.5f;
  const auto [left, top, right, bottom] = dflDistances(head, cell);
  return {(x - left) * stride, (y - top) * stride, (x + right) * stride, (y + bottom) * stride};
}

std::vector<Candidate> findDflCandidates(const DflHeads& heads, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  const float floor = options.activated ? options.minScore : floorLogit(options.minScore);
  for (const auto& head : heads) findBest(scoresOf(head.classes), floor, head.firstPlace, candidates);
  for (auto& candidate : candidates) {
    if (!options.activated) candidate.score = sigmoid(candidate.score);
  }
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.score < options.minScore; });
  keepBest(candidates, options);
  return candidates;
}

}  // namespace hailstream
