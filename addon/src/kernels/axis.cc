#include "kernels/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace hailstream {
namespace {

constexpr int weightSum = 32767;
constexpr std::size_t cachedAxes = 16;
/** Below this share of the largest, a weight is left out. */
constexpr double leastWeight = 1e-9;

/** The first target pixel whose centre lies at or beyond a source coordinate. */
std::size_t firstAtOrBeyond(double origin, double step, double source, std::size_t pixels) {
  const double pixel = std::ceil((source - origin) / step - 0.5);
  return static_cast<std::size_t>(std::clamp(pixel, 0.0, static_cast<double>(pixels)));
}

/** Source samples whose centres lie within the filter around `center`, cut off at the source's edges. */
std::pair<std::size_t, std::size_t> reach(double center, double support, std::size_t size) {
  const double last = static_cast<double>(size);
  const auto begin = static_cast<std::size_t>(std::clamp(std::floor(center - support + 0.5), 0.0, last - 1));
  const auto end = static_cast<std::size_t>(std::clamp(std::floor(center + support + 0.5), 0.0, last));
  return {begin, std::max(end, begin + 1)};
}

/** Rounds the weights so that their sum is exact: what rounding leaves over goes on to the next. */
void quantize(const std::vector<double>& weights, std::int16_t* values) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double exact = 0;
  int given = 0;
  for (std::size_t i = 0; i < weights.size(); i++) {
    exact += weights[i] / sum * weightSum;
    const int rounded = static_cast<int>(std::lround(exact));
    values[i] = static_cast<std::int16_t>(rounded - given);
    given = rounded;
  }
}

/** The weights of one target pixel over the samples from `begin` on; none is 0 at either end. */
struct Kernel {
  std::size_t begin;
  std::vector<double> weights;
};

Kernel kernelAt(const Axis& axis, std::size_t i) {
  const double support = std::max(axis.step, 1.0);
  const double center = axis.origin + axis.step * (static_cast<double>(axis.begin + i) + 0.5);
  auto [begin, end] = reach(center, support, axis.size);
  const auto weight = [&](std::size_t j) { return 1 - std::abs(static_cast<double>(j) + 0.5 - center) / support; };
  while (end - begin > 1 && weight(end - 1) < leastWeight) end--;
  while (end - begin > 1 && weight(begin) < leastWeight) begin++;
  Kernel kernel{begin, {}};
  for (std::size_t j = begin; j < end; j++) kernel.weights.push_back(std::max(leastWeight, weight(j)));
  return kernel;
}

Weights computeWeights(const Axis& axis) {
  std::vector<Kernel> kernels;
  std::size_t taps = 1;
  for (std::size_t i = 0; i < axis.count(); i++)
    taps = std::max(taps, kernels.emplace_back(kernelAt(axis, i)).weights.size());
  Weights weights{taps, taps == 1 && axis.step == 1, std::vector<std::uint32_t>(axis.count()),
                  std::vector<std::int16_t>(axis.count() * taps)};
  for (std::size_t i = 0; i < axis.count(); i++) {
    // Each pixel has `taps` weights; at the far edge the window moves inwards, so that it stays in the source.
    const std::size_t first = std::min(kernels[i].begin, axis.size - taps);
    weights.first[i] = static_cast<std::uint32_t>(first);
    quantize(kernels[i].weights, weights.values.data() + i * taps + (kernels[i].begin - first));
  }
  return weights;
}

}  // namespace

Axis boxAxis(std::size_t size, double origin, double length, std::size_t pixels) {
  const double step = length / static_cast<double>(pixels);
  const std::size_t begin = firstAtOrBeyond(origin, step, 0, pixels);
  const std::size_t end = firstAtOrBeyond(origin, step, static_cast<double>(size), pixels);
  return {origin, step, size, std::min(begin, end), end};
}

Axis wholeAxis(std::size_t size, std::size_t begin, std::size_t used) {
  const double step = static_cast<double>(size) / static_cast<double>(used);
  return {0.0 - static_cast<double>(begin) * step, step, size, begin, begin + used};
}

Axis halved(const Axis& axis) {
  return {axis.origin / 2, axis.step / 2, (axis.size + 1) / 2, axis.begin, axis.end};
}

std::shared_ptr<const Weights> weightsFor(const Axis& axis) {
  thread_local std::vector<std::pair<Axis, std::shared_ptr<const Weights>>> cache;
  const auto found = std::find_if(cache.begin(), cache.end(), [&](const auto& entry) { return entry.first == axis; });
  if (found != cache.end()) return found->second;
  if (cache.size() == cachedAxes) cache.erase(cache.begin());
  return cache.emplace_back(axis, std::make_shared<const Weights>(computeWeights(axis))).second;
}

}  // namespace hailstream
