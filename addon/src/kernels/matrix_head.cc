#include "kernels/matrix_head.h"

#include <cmath>

#include "kernels/best_class.h"

namespace hailstream {
namespace {

/** Anchors of a network with strides 8, 16 and 32. */
std::size_t anchorCount(const DecodeOptions& options) {
  double count = 0;
  for (const double stride : {8.0, 16.0, 32.0}) {
    count += std::ceil(options.inputWidth / stride) * std::ceil(options.inputHeight / stride);
  }
  return static_cast<std::size_t>(count);
}

}  // namespace

bool isMatrix(const TensorView& tensor) {
  return tensor.shape.size() == 3 && tensor.shape[0] == 1;
}

MatrixHead readMatrix(const TensorView& tensor, bool featuresFirst) {
  const auto& [data, shape] = tensor;
  if (featuresFirst) return {data.data(), shape[2], shape[1], 1, shape[2]};
  return {data.data(), shape[1], shape[2], shape[2], 1};
}

std::optional<MatrixHead> readMatrixHead(const TensorView& tensor, const DecodeOptions& options,
                                         std::size_t leastFeatures) {
  const auto& shape = tensor.shape;
  const std::size_t anchors = anchorCount(options);
  const bool told = (shape[1] == anchors) != (shape[2] == anchors);
  const MatrixHead head = readMatrix(tensor, told ? shape[2] == anchors : shape[1] <= shape[2]);
  return head.features > leastFeatures ? std::optional(head) : std::nullopt;
}

Box matrixBoxAt(const MatrixHead& head, std::size_t place) {
  const float x = head.at(place, 0);
  const float y = head.at(place, 1);
  const float halfWidth = head.at(place, 2) / 2;
  const float halfHeight = head.at(place, 3) / 2;
  return {x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight};
}

std::vector<Candidate> findMatrixCandidates(const MatrixHead& head, std::size_t classes, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  const float* scores = head.data + matrixBoxFeatures * head.featureStride;
  findBest({scores, head.places, classes, head.placeStride, head.featureStride}, options.minScore, 0, candidates);
  keepBest(candidates, options);
  return candidates;
}

}  // namespace hailstream
