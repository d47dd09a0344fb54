#include <algorithm>

#include "kernels/best_class.h"
#include "kernels/nms.h"

namespace hailstream {
namespace {

constexpr std::size_t sides = 4;

/** Heat per class and distances per cell, NHWC over one grid. */
struct Heads {
  const float* heat;
  const float* distances;
  std::size_t height;
  std::size_t width;
  std::size_t classes;
};

bool isHead(const TensorView& tensor) {
  return tensor.shape.size() == 4 && tensor.shape[0] == 1;
}

/** The tensor with four channels holds the distances; of two with four the second. */
Heads readHeads(std::span<const TensorView> tensors) {
  constexpr auto expected = "two tensors of one grid: heat [1 × h × w × C] and distances [1 × h × w × 4]";
  if (tensors.size() != 2 || !isHead(tensors[0]) || !isHead(tensors[1])) rejectTensors("centernet", expected, tensors);
  const std::size_t last = tensors[1].shape[3] == sides ? 1 : 0;
  const TensorView& distances = tensors[last];
  const TensorView& heat = tensors[1 - last];
  if (distances.shape[3] != sides || heat.shape[3] == 0 || heat.shape[1] != distances.shape[1] ||
      heat.shape[2] != distances.shape[2])
    rejectTensors("centernet", expected, tensors);
  return {heat.data.data(), distances.data.data(), heat.shape[1], heat.shape[2], heat.shape[3]};
}

/** Whether no neighbour in the 3 × 3 cells around has more heat of this class: CenterNet's stand-in for suppression. */
bool isPeak(const Heads& heads, std::size_t cell, std::size_t label) {
  const float own = heads.heat[cell * heads.classes + label];
  const std::size_t x = cell % heads.width;
  const std::size_t y = cell / heads.width;
  for (std::size_t row = y - (y > 0); row <= std::min(y + 1, heads.height - 1); row++) {
    for (std::size_t column = x - (x > 0); column <= std::min(x + 1, heads.width - 1); column++) {
      if (heads.heat[(row * heads.width + column) * heads.classes + label] > own) return false;
    }
  }
  return true;
}

/** Every class of a cell may have its peak there. */
void takePeaks(const Heads& heads, std::size_t cell, float minScore, std::vector<Candidate>& candidates) {
  for (std::size_t label = 0; label < heads.classes; label++) {
    const float score = heads.heat[cell * heads.classes + label];
    if (!(score >= minScore) || !isPeak(heads, cell, label)) continue;
    candidates.push_back({score, static_cast<std::uint32_t>(label), static_cast<std::uint32_t>(cell)});
  }
}

std::vector<Candidate> findPeaks(const Heads& heads, const DecodeOptions& options) {
  std::vector<Candidate> hot;
  findBest({heads.heat, heads.height * heads.width, heads.classes, heads.classes, 1}, options.minScore, 0, hot);
  std::vector<Candidate> candidates;
  for (const auto& cell : hot) takePeaks(heads, cell.place, options.minScore, candidates);
  keepBest(candidates, options);
  return candidates;
}

Box boxAt(const Heads& heads, std::size_t cell, const DecodeOptions& options) {
  const auto x = static_cast<float>(static_cast<double>(cell % heads.width) * options.inputWidth /
                                    static_cast<double>(heads.width));
  const auto y = static_cast<float>(static_cast<double>(cell / heads.width) * options.inputHeight /
                                    static_cast<double>(heads.height));
  const float* distance = heads.distances + cell * sides;
  return {x - distance[0], y - distance[1], x + distance[2], y + distance[3]};
}

/**
 * `centernet`: heat `[1 × h × w × C]` after its sigmoid and distances `[1 × h × w × 4]` left, top, right, bottom in
 * input pixels from the cell's corner. The 3 × 3 peak test is done here, so the heat may be as the network gives it
 * (`tower_0/keypoints` of
 * @vladmandic/human's model) or with all but its peaks zeroed (`tower_0/mul_1`); the rows are the same. The output of
 * the graph's max pool alone will not do: it spreads each peak over nine cells. Rows `[count × 6] float32: x1 y1 x2 y2
 * score class`. Method: Zhou et al. 2019, "Objects as Points"; the distances as in TTFNet (Liu et al. 2020). Class-wise
 * suppression after it.
 */
std::vector<float> decodeCenternet(std::span<const TensorView> tensors, const DecodeOptions& options) {
  const Heads heads = readHeads(tensors);
  std::vector<Detection> detections;
  for (const auto& candidate : findPeaks(heads, options)) {
    detections.push_back({boxAt(heads, candidate.place, options), candidate});
  }
  return boxRows(suppress(detections, options));
}

const KernelEntry centernet{"centernet", 6, decodeCenternet};

}  // namespace
}  // namespace hailstream
