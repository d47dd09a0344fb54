#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/best_class.h"

/** Letters of a line of text, or classes of a picture: what classifiers put out. */
namespace hailstream {
namespace {

constexpr std::uint32_t blank = 0;
constexpr std::size_t letterWidth = 3;

/** A matrix of steps and classes, the axes before them of size 1. */
bool isMatrix(const TensorView& tensor) {
  const auto& shape = tensor.shape;
  if (shape.size() < 2 || shape.back() == 0) return false;
  return std::all_of(shape.begin(), shape.end() - 2, [](std::size_t size) { return size == 1; });
}

/**
 * `ctc`: `[1 × steps × classes]`, probabilities, class 0 the blank (Graves et al. 2006, "Connectionist Temporal
 * Classification"), by the best class of each step. Rows `[count × 3] float32: class score place`, in the order of the
 * line: equal neighbours are one, blanks none; `place` is the middle of its first step as a share 0 to 1 of the input's
 * width. At most `maxRows`, those that come first.
 */
std::vector<float> decodeCtc(std::span<const TensorView> tensors, const DecodeOptions& options) {
  if (tensors.size() != 1 || !isMatrix(tensors[0])) rejectTensors("ctc", "[1 × steps × classes]", tensors);
  const auto& [data, shape] = tensors[0];
  const std::size_t classes = shape.back();
  const std::size_t steps = shape[shape.size() - 2];
  std::vector<Candidate> best;
  findBest({data.data(), steps, classes, classes, 1}, std::numeric_limits<float>::lowest(), 0, best);
  std::vector<float> rows;
  std::uint32_t previous = blank;
  for (const auto& [score, label, place] : best) {
    const bool repeats = label == std::exchange(previous, label);
    if (label == blank || repeats || !std::isfinite(score) || score < options.minScore || !keepsClass(options, label))
      continue;
    if (rows.size() == options.maxRows * letterWidth) break;
    const float middle = (static_cast<float>(place) + 0.5f) / static_cast<float>(steps);
    rows.insert(rows.end(), {static_cast<float>(label), score, middle});
  }
  return rows;
}

/**
 * `class-scores`: one tensor of as many values as there are classes, logits, or probabilities where `activated`. Rows
 * `[count × 2] float32: class probability`, best first.
 */
std::vector<float> decodeClasses(std::span<const TensorView> tensors, const DecodeOptions& options) {
  if (tensors.size() != 1 || tensors[0].data.empty()) rejectTensors("class-scores", "[1 × classes]", tensors);
  std::vector<Candidate> candidates;
  const auto& values = tensors[0].data;
  for (std::size_t i = 0; i < values.size(); i++) candidates.push_back({values[i], static_cast<std::uint32_t>(i), 0});
  if (!options.activated) {
    const float highest = *std::ranges::max_element(values);
    float sum = 0;
    for (auto& candidate : candidates) sum += candidate.score = std::exp(candidate.score - highest);
    for (auto& candidate : candidates) candidate.score /= sum;
  }
  keepBest(candidates, options);
  std::vector<float> rows;
  for (const auto& candidate : candidates) {
    if (candidate.score < options.minScore || rows.size() == options.maxRows * 2) break;
    rows.insert(rows.end(), {static_cast<float>(candidate.label), candidate.score});
  }
  return rows;
}

/** `embedding`: one tensor, as it is but for its length, which becomes 1. Rows `[values × 1]`; none where it has no
 * length. */
std::vector<float> decodeEmbedding(std::span<const TensorView> tensors, const DecodeOptions&) {
  if (tensors.size() != 1 || tensors[0].data.empty()) rejectTensors("embedding", "one tensor", tensors);
  const auto& values = tensors[0].data;
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length == 0) return {};
  std::vector<float> rows;
  for (const float value : values) rows.push_back(static_cast<float>(value / length));
  return rows;
}

const KernelEntry ctc{"ctc", letterWidth, decodeCtc};
const KernelEntry classes{"class-scores", 2, decodeClasses};
const KernelEntry embedding{"embedding", 1, decodeEmbedding};

}  // namespace
}  // namespace hailstream
