#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/nms.h"

/** Heads of YOLOv8 and YOLO11 as Ultralytics exports them: boxes decoded and scores squashed inside of the graph. */
namespace hailstream {

/** cx cy w h. */
inline constexpr std::size_t matrixBoxFeatures = 4;

/** One value per feature and place (anchor); features are cx cy w h in input pixels, then scores, then what a kind of
 * head has more. */
struct MatrixHead {
  const float* data;
  std::size_t places;
  std::size_t features;
  std::size_t placeStride;
  std::size_t featureStride;

  float at(std::size_t place, std::size_t feature) const { return data[place * placeStride + feature * featureStride]; }
};

bool isMatrix(const TensorView& tensor);

/** A tensor `[1 × features × places]`, or the other way round. */
MatrixHead readMatrix(const TensorView& tensor, bool featuresFirst);

/** The axis as long as the network has anchors counts them; where the input's size does not tell, the longer one does.
 * Nothing when there are no more than `leastFeatures`. */
std::optional<MatrixHead> readMatrixHead(const TensorView& tensor, const DecodeOptions& options,
                                         std::size_t leastFeatures);

Box matrixBoxAt(const MatrixHead& head, std::size_t place);

/** Places whose best class passes, best first. */
std::vector<Candidate> findMatrixCandidates(const MatrixHead& head, std::size_t classes, const DecodeOptions& options);

}  // namespace hailstream
