#include "kernels/anchor_head.h"
#include "kernels/dfl_head.h"
#include "kernels/masks.h"
#include "kernels/matrix_head.h"

/**
 * Instance segmentation of YOLOv5, YOLOv8 and YOLO11 (Ultralytics): boxes as ever, per place so many coefficients as
 * there are prototypes, one channel each of a tensor with a cell for every 4 × 4 input pixels. Rows `[count × 10]
 * float32: x1 y1 x2 y2 score class, then x y width height of the mask's crop in cells` (masks.h).
 */
namespace hailstream {
namespace {

/** Rows of what is left, and their masks. `boxAt(place)` is in input pixels, `coefficientsAt(place)` gives a vector. */
template <typename BoxAt, typename CoefficientsAt>
std::vector<float> maskRows(const std::vector<Candidate>& candidates, const Grid& prototypes, BoxAt boxAt,
                            CoefficientsAt coefficientsAt, const DecodeOptions& options, MaskSheet& masks) {
  masks.setGrid(prototypes.width, prototypes.cells / prototypes.width);
  std::vector<Detection> detections;
  for (const auto& candidate : candidates) detections.push_back({boxAt(candidate.place), candidate});
  std::vector<float> rows;
  for (const auto& detection : suppress(detections, options)) {
    const std::uint32_t place = detection.candidate.place;
    const MaskCrop crop = masks.cropOf(boxAt(place), options);
    appendMaskRow(rows, detection, crop);
    if (masks.isWanted()) writeMask(prototypes, coefficientsAt(place), crop, masks.take(crop));
  }
  return rows;
}

template <typename At>
std::vector<float> gather(std::size_t count, At at) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; i++) values[i] = at(i);
  return values;
}

template <typename Heads>
struct Segments {
  Heads heads;
  Grid prototypes;
};

/** Reads prototypes and heads in whichever layout makes sense of all; `read(tensors, coefficients, layout)`. */
template <typename Heads, typename Read>
std::optional<Segments<Heads>> readSegments(std::span<const TensorView> tensors, const DecodeOptions& options,
                                            Read read) {
  for (const auto layout : {GridLayout::nchw, GridLayout::nhwc}) {
    std::vector<TensorView> rest(tensors.begin(), tensors.end());
    const auto prototypes = takePrototypes(rest, options, layout);
    if (!prototypes) continue;
    if (const auto heads = read(rest, prototypes->channels, layout)) return Segments<Heads>{*heads, *prototypes};
  }
  return std::nullopt;
}

/**
 * `yolo-v8-segment`: a matrix `[1 × 4+C+P × N]` or `[1 × N × 4+C+P]` as `yolo-v8`, whose last P features are
 * coefficients, and prototypes `[1 × P × h/4 × w/4]` or `[1 × h/4 × w/4 × P]`.
 */
std::vector<float> decodeInGraph(std::span<const TensorView> tensors, const DecodeOptions& options, MaskSheet& masks) {
  const auto read = [&](const std::vector<TensorView>& rest, std::size_t coefficients, GridLayout) {
    const bool one = rest.size() == 1 && isMatrix(rest[0]);
    return one ? readMatrixHead(rest[0], options, matrixBoxFeatures + coefficients) : std::nullopt;
  };
  const auto segments = readSegments<MatrixHead>(tensors, options, read);
  if (!segments)
    rejectTensors("yolo-v8-segment", "[1 × 4+C+P × N] with C ≥ 1 and prototypes [1 × P × h/4 × w/4]", tensors);
  const auto& [head, prototypes] = *segments;
  const std::size_t classes = head.features - matrixBoxFeatures - prototypes.channels;
  const auto coefficientsAt = [&](std::uint32_t place) {
    return gather(prototypes.channels, [&](std::size_t i) { return head.at(place, matrixBoxFeatures + classes + i); });
  };
  return maskRows(
      findMatrixCandidates(head, classes, options), prototypes,
      [&](std::uint32_t place) { return matrixBoxAt(head, place); }, coefficientsAt, options, masks);
}

/**
 * `yolo-v8-segment-raw`: as `yolo-v8-raw`, with a tensor of P coefficients per stride and the prototypes as
 * `yolo-v8-segment` has them; all NCHW or all NHWC.
 */
std::vector<float> decodeDfl(std::span<const TensorView> tensors, const DecodeOptions& options, MaskSheet& masks) {
  const auto read = [&](const std::vector<TensorView>& rest, std::size_t coefficients, GridLayout layout) {
    const auto grids = groupGrids(rest, options, layout);
    return grids ? readDflHeads(*grids, coefficients) : std::nullopt;
  };
  const auto segments = readSegments<DflHeads>(tensors, options, read);
  if (!segments)
    rejectTensors("yolo-v8-segment-raw",
                  "per stride 8, 16 and 32 [1 × 64 × h × w], [1 × C × h × w] and [1 × P × h × w], and prototypes "
                  "[1 × P × h/4 × w/4]",
                  tensors);
  const auto& [heads, prototypes] = *segments;
  const auto coefficientsAt = [&](std::uint32_t place) {
    const auto& head = headOf(heads, place);
    return gather(head.extra.channels, [&](std::size_t i) { return head.extra.at(i, place - head.firstPlace); });
  };
  return maskRows(
      findDflCandidates(heads, options), prototypes, [&](std::uint32_t place) { return dflBoxAt(heads, place); },
      coefficientsAt, options, masks);
}

/** As many features as boxes, one class at least and the coefficients take. */
std::optional<AnchorHeads> withCoefficients(std::optional<AnchorHeads> heads, std::size_t coefficients) {
  const bool room = heads && heads->front().grid.channels > anchorBoxFeatures + coefficients;
  return room ? heads : std::nullopt;
}

/**
 * `yolo-v5-segment-raw`: as `yolo-v5-raw` with 5 + C + P features per anchor, the last P coefficients, and the
 * prototypes as `yolo-v8-segment` has them.
 */
std::vector<float> decodeAnchors(std::span<const TensorView> tensors, const DecodeOptions& options, MaskSheet& masks) {
  const auto read = [&](const std::vector<TensorView>& rest, std::size_t coefficients, GridLayout layout) {
    if (auto heads = withCoefficients(splitAnchorAxis(rest, options), coefficients)) return heads;
    const auto grids = groupGrids(rest, options, layout);
    return grids ? withCoefficients(splitAnchorChannels(*grids), coefficients) : std::nullopt;
  };
  const auto segments = readSegments<AnchorHeads>(tensors, options, read);
  if (!segments)
    rejectTensors("yolo-v5-segment-raw",
                  "per stride 8, 16 and 32 [1 × 3·(5+C+P) × h × w] or [1 × 3 × h × w × 5+C+P], and prototypes "
                  "[1 × P × h/4 × w/4]",
                  tensors);
  const auto& [heads, prototypes] = *segments;
  const std::size_t classes = heads.front().grid.channels - anchorBoxFeatures - prototypes.channels;
  const auto coefficientsAt = [&](std::uint32_t place) {
    const auto& head = headOf(heads, place);
    return gather(prototypes.channels, [&](std::size_t i) {
      return head.grid.at(anchorBoxFeatures + classes + i, place - head.firstPlace);
    });
  };
  return maskRows(
      findAnchorCandidates(heads, classes, options), prototypes,
      [&](std::uint32_t place) { return anchorBoxAt(heads, place, options); }, coefficientsAt, options, masks);
}

const KernelEntry inGraph{"yolo-v8-segment", maskRowWidth, decodeWithoutMasks<decodeInGraph>, decodeInGraph};
const KernelEntry dfl{"yolo-v8-segment-raw", maskRowWidth, decodeWithoutMasks<decodeDfl>, decodeDfl};
const KernelEntry anchors{"yolo-v5-segment-raw", maskRowWidth, decodeWithoutMasks<decodeAnchors>, decodeAnchors};

}  // namespace
}  // namespace hailstream
