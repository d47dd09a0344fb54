#include "kernels/dequantise.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dequantise.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hailstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/** Value i has the quantisation `zeros[i]`, `scales[i]`. */
template <typename Value>
void dequantiseRow(const Value* values, std::size_t count, const float* zeros, const float* scales, float* target) {
  const hn::ScalableTag<float> floats;
  const hn::Rebind<std::int32_t, decltype(floats)> whole;
  const hn::Rebind<Value, decltype(floats)> narrow;
  const std::size_t lanes = hn::Lanes(floats);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto wide = hn::ConvertTo(floats, hn::PromoteTo(whole, hn::LoadU(narrow, values + i)));
    hn::StoreU(hn::Mul(hn::Sub(wide, hn::LoadU(floats, zeros + i)), hn::LoadU(floats, scales + i)), floats, target + i);
  }
  for (; i < count; i++) target[i] = (static_cast<float>(values[i]) - zeros[i]) * scales[i];
}

void dequantiseBytes(const std::uint8_t* values, std::size_t count, const float* zeros, const float* scales,
                     float* target) {
  dequantiseRow(values, count, zeros, scales, target);
}

void dequantiseWords(const std::uint16_t* values, std::size_t count, const float* zeros, const float* scales,
                     float* target) {
  dequantiseRow(values, count, zeros, scales, target);
}

}  // namespace hailstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hailstream {
HWY_EXPORT(dequantiseBytes);
HWY_EXPORT(dequantiseWords);
namespace {

/** Values that one call works on: long enough for any vector, however few features there are. */
constexpr std::size_t leastRow = 256;

/** The features' quantisation side by side, repeated to a row of at least `leastRow` values. */
struct Row {
  std::vector<float> zeros;
  std::vector<float> scales;

  explicit Row(std::span<const Quantisation> features) {
    while (zeros.size() < leastRow) {
      for (const auto& [zero, scale] : features) {
        zeros.push_back(zero);
        scales.push_back(scale);
      }
    }
  }
};

template <typename Value, typename Work>
void rowByRow(std::span<const Value> values, std::span<const Quantisation> features, std::span<float> target,
              Work work) {
  assert(!features.empty() && values.size() % features.size() == 0 && target.size() == values.size());
  const Row row(features);
  for (std::size_t from = 0; from < values.size(); from += row.zeros.size()) {
    const std::size_t count = std::min(row.zeros.size(), values.size() - from);
    work(values.data() + from, count, row.zeros.data(), row.scales.data(), target.data() + from);
  }
}

}  // namespace

void dequantise(std::span<const std::uint8_t> values, std::span<const Quantisation> features, std::span<float> target) {
  rowByRow(values, features, target, HWY_DYNAMIC_DISPATCH(dequantiseBytes));
}

void dequantise(std::span<const std::uint16_t> values, std::span<const Quantisation> features,
                std::span<float> target) {
  rowByRow(values, features, target, HWY_DYNAMIC_DISPATCH(dequantiseWords));
}

}  // namespace hailstream
#endif
