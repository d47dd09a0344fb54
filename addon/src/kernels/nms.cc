#include "kernels/nms.h"

#include <algorithm>
#include <cmath>

namespace hailstream {
namespace {

bool precedes(const Candidate& first, const Candidate& second) {
  if (first.score != second.score) return first.score > second.score;
  if (first.place != second.place) return first.place < second.place;
  return first.label < second.label;
}

bool hasArea(const Box& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) && std::isfinite(box.y2) &&
         box.x2 > box.x1 && box.y2 > box.y1;
}

Point map(Point point, const Affine& affine) {
  const auto [a, b, c, d, e, f] = affine;
  return {static_cast<float>(a * point.x + b * point.y + c), static_cast<float>(d * point.x + e * point.y + f)};
}

Point clip(Point point, const DecodeOptions& options) {
  return {std::clamp(point.x, 0.0f, static_cast<float>(options.sourceWidth)),
          std::clamp(point.y, 0.0f, static_cast<float>(options.sourceHeight))};
}

/** The upright box around the mapped corners, so that an affine that turns keeps the object inside. */
Box boxToSource(const Box& box, const DecodeOptions& options) {
  const Point corners[] = {map({box.x1, box.y1}, options.toSource), map({box.x2, box.y1}, options.toSource),
                           map({box.x1, box.y2}, options.toSource), map({box.x2, box.y2}, options.toSource)};
  Point low = corners[0];
  Point high = corners[0];
  for (const auto& corner : corners) {
    low = {std::min(low.x, corner.x), std::min(low.y, corner.y)};
    high = {std::max(high.x, corner.x), std::max(high.y, corner.y)};
  }
  low = clip(low, options);
  high = clip(high, options);
  return {low.x, low.y, high.x, high.y};
}

}  // namespace

bool keepsClass(const DecodeOptions& options, std::uint32_t label) {
  return options.classes.empty() || std::ranges::binary_search(options.classes, label);
}

void keepBest(std::vector<Candidate>& candidates, const DecodeOptions& options) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    return !std::isfinite(candidate.score) || !keepsClass(options, candidate.label);
  });
  if (candidates.size() > maxCandidates) {
    std::nth_element(candidates.begin(), candidates.begin() + maxCandidates, candidates.end(), precedes);
    candidates.resize(maxCandidates);
  }
  std::sort(candidates.begin(), candidates.end(), precedes);
}

float overlap(const Box& first, const Box& second) {
  const float width = std::min(first.x2, second.x2) - std::max(first.x1, second.x1);
  const float height = std::min(first.y2, second.y2) - std::max(first.y1, second.y1);
  if (!(width > 0 && height > 0)) return 0;
  const float shared = width * height;
  const float firstArea = (first.x2 - first.x1) * (first.y2 - first.y1);
  const float secondArea = (second.x2 - second.x1) * (second.y2 - second.y1);
  return shared / (firstArea + secondArea - shared);
}

std::vector<Detection> suppress(const std::vector<Detection>& sorted, const DecodeOptions& options) {
  std::vector<Detection> kept;
  std::vector<Detection> mapped;
  for (const auto& detection : sorted) {
    if (mapped.size() >= options.maxRows) break;
    if (!hasArea(detection.box)) continue;
    const auto suppresses = [&](const Detection& better) {
      return better.candidate.label == detection.candidate.label && overlap(better.box, detection.box) > options.iou;
    };
    if (std::ranges::any_of(kept, suppresses)) continue;
    const Box inSource = boxToSource(detection.box, options);
    if (!hasArea(inSource)) continue;
    kept.push_back(detection);
    mapped.push_back({inSource, detection.candidate});
  }
  return mapped;
}

std::vector<Detection> placeInSource(const std::vector<Detection>& sorted, const DecodeOptions& options) {
  std::vector<Detection> placed;
  for (const auto& detection : sorted) {
    if (placed.size() >= options.maxRows) break;
    if (!hasArea(detection.box)) continue;
    const Box inSource = boxToSource(detection.box, options);
    if (hasArea(inSource)) placed.push_back({inSource, detection.candidate});
  }
  return placed;
}

Point toSource(Point point, const DecodeOptions& options) {
  return clip(map(point, options.toSource), options);
}

std::vector<float> boxRows(const std::vector<Detection>& kept) {
  std::vector<float> rows;
  for (const auto& detection : kept) appendBox(rows, detection);
  return rows;
}

void appendBox(std::vector<float>& rows, const Detection& detection) {
  const auto& [box, candidate] = detection;
  rows.insert(rows.end(), {box.x1, box.y1, box.x2, box.y2, candidate.score, static_cast<float>(candidate.label)});
}

}  // namespace hailstream
