#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "kernels/grid_head.h"
#include "kernels/nms.h"

/** Faces by SCRFD (Guo et al. 2021, "Sample and Computation Redistribution for Efficient Face Detection"). */
namespace hailstream {
namespace {

constexpr std::size_t anchorsPerCell = 2;
constexpr std::size_t boxFeatures = 4;
constexpr std::size_t pointCount = 5;
constexpr std::size_t pointFeatures = 2 * pointCount;
constexpr std::size_t rowWidth = 6 + pointFeatures;

/** One stride's values, anchor by anchor: `scores[a]`, `boxes[4·a …]`, `points[10·a …]`. */
struct Stage {
  const float* scores = nullptr;
  const float* boxes = nullptr;
  const float* points = nullptr;
  std::size_t width = 0;
  std::size_t anchors = 0;
  float stride = 0;
  std::uint32_t firstPlace = 0;

  bool isWhole() const { return scores != nullptr && boxes != nullptr && points != nullptr; }
};

using Stages = std::array<Stage, strides.size()>;

Stages emptyStages(const DecodeOptions& options) {
  Stages stages;
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < strides.size(); i++) {
    const auto stride = static_cast<double>(strides[i]);
    stages[i].stride = static_cast<float>(stride);
    stages[i].width = static_cast<std::size_t>(std::ceil(options.inputWidth / stride));
    const auto height = static_cast<std::size_t>(std::ceil(options.inputHeight / stride));
    stages[i].anchors = stages[i].width * height * anchorsPerCell;
    stages[i].firstPlace = places;
    places += static_cast<std::uint32_t>(stages[i].anchors);
  }
  return stages;
}

/** Features of an anchor when the tensor is this stage's: a grid of cells, or anchors row by row, which lie alike. */
std::optional<std::size_t> featuresOf(const TensorView& tensor, const Stage& stage) {
  const auto& shape = tensor.shape;
  if (shape.size() == 4) {
    const bool fits = shape[0] == 1 && shape[2] == stage.width && shape[1] * shape[2] * anchorsPerCell == stage.anchors;
    return fits ? std::optional(shape[3] / anchorsPerCell) : std::nullopt;
  }
  const bool rows = shape.size() == 2 || (shape.size() == 3 && shape[0] == 1);
  return rows && shape[shape.size() - 2] == stage.anchors ? std::optional(shape.back()) : std::nullopt;
}

/** False when the tensor belongs nowhere, or its place is taken. */
bool place(const TensorView& tensor, Stages& stages) {
  for (auto& stage : stages) {
    const auto features = featuresOf(tensor, stage);
    if (!features || tensor.data.size() != *features * stage.anchors) continue;
    const float** slot = *features == 1               ? &stage.scores
                         : *features == boxFeatures   ? &stage.boxes
                         : *features == pointFeatures ? &stage.points
                                                      : nullptr;
    if (slot == nullptr || *slot != nullptr) continue;
    *slot = tensor.data.data();
    return true;
  }
  return false;
}

std::optional<Stages> readStages(std::span<const TensorView> tensors, const DecodeOptions& options) {
  Stages stages = emptyStages(options);
  if (!std::ranges::all_of(tensors, [&](const TensorView& tensor) { return place(tensor, stages); }))
    return std::nullopt;
  return std::ranges::all_of(stages, &Stage::isWhole) ? std::optional(stages) : std::nullopt;
}

std::vector<Candidate> findFaces(const Stages& stages, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  const float floor = options.activated ? options.minScore : floorLogit(options.minScore);
  for (const auto& stage : stages)
    findBest({stage.scores, stage.anchors, 1, 1, 1}, floor, stage.firstPlace, candidates);
  for (auto& candidate : candidates) {
    if (!options.activated) candidate.score = sigmoid(candidate.score);
  }
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.score < options.minScore; });
  keepBest(candidates, options);
  return candidates;
}

struct Face {
  Box box;
  std::array<Point, pointCount> points;
};

/** Distances from the corner of the anchor's cell, in cells. */
Face faceAt(const Stages& stages, std::uint32_t place) {
  const Stage& stage = place >= stages[2].firstPlace   ? stages[2]
                       : place >= stages[1].firstPlace ? stages[1]
                                                       : stages[0];
  const std::size_t anchor = place - stage.firstPlace;
  const auto x = static_cast<float>(anchor / anchorsPerCell % stage.width) * stage.stride;
  const auto y = static_cast<float>(anchor / anchorsPerCell / stage.width) * stage.stride;
  const float* sides = stage.boxes + anchor * boxFeatures;
  Face face{{x - sides[0] * stage.stride, y - sides[1] * stage.stride, x + sides[2] * stage.stride,
             y + sides[3] * stage.stride},
            {}};
  const float* points = stage.points + anchor * pointFeatures;
  for (std::size_t i = 0; i < pointCount; i++)
    face.points[i] = {x + points[2 * i] * stage.stride, y + points[2 * i + 1] * stage.stride};
  return face;
}

bool isFinite(const Face& face) {
  return std::ranges::all_of(face.points,
                             [](const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); });
}

/**
 * `scrfd`: per stride 8, 16 and 32 the logits (scores where `activated`), distances left top right bottom and five
 * points of two anchors at each cell's corner, in cells: `[1 × h × w × 2]`, `[1 × h × w × 8]` and `[1 × h × w × 20]`,
 * or anchor by anchor `[2·h·w × 1]`, `[… × 4]` and `[… × 10]` with or without a leading 1. Rows `[count × 16] float32:
 * x1 y1 x2 y2 score class, then 5 × (x y)`: the eyes, the nose and the corners of the mouth, those on the picture's
 * left first; a row with a point that is not finite is dropped. The class is 0.
 */
std::vector<float> decodeScrfd(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const auto stages = readStages(tensors, options);
  if (!stages)
    rejectTensors("scrfd",
                  "per stride 8, 16 and 32 [1 × h × w × 2], [1 × h × w × 8] and [1 × h × w × 20], or [2·h·w × 1], "
                  "[2·h·w × 4] and [2·h·w × 10]",
                  tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findFaces(*stages, options)) {
    const Face face = faceAt(*stages, candidate.place);
    if (isFinite(face)) detections.push_back({face.box, candidate});
  }
  std::vector<float> rows;
  for (const auto& detection : suppress(detections, options)) {
    appendBox(rows, detection);
    for (const auto& point : faceAt(*stages, detection.candidate.place).points) {
      const Point placed = toSource(point, options);
      rows.insert(rows.end(), {placed.x, placed.y});
    }
  }
  return rows;
}

const KernelEntry scrfd{"scrfd", rowWidth, decodeScrfd};

}  // namespace
}  // namespace hailstream
