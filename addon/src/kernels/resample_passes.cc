#include "kernels/resample_passes.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resample_passes.cc"
// foreach_target.h includes this file once per instruction set.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hailstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

/** Above so many taps the rounding of each product would add up: then 32-bit sums are taken. */
constexpr std::size_t mostShortTaps = 16;

using Rows = std::span<const std::uint8_t* const>;
using Lines = hn::CappedTag<std::int16_t, passLines>;
using Wide = hn::CappedTag<std::int32_t, passLines / 2>;

template <class D>
hn::Vec<D> shortSum(D d, Rows rows, const std::int16_t* weights, std::size_t x) {
  const hn::Rebind<std::uint8_t, D> bytes;
  auto sum = hn::Zero(d);
  for (std::size_t t = 0; t < rows.size(); t++) {
    const auto sample = hn::ShiftLeft<7>(hn::PromoteTo(d, hn::LoadU(bytes, rows[t] + x)));
    sum = hn::Add(sum, hn::MulFixedPoint15(sample, hn::Set(d, weights[t])));
  }
  return sum;
}

template <class D>
hn::Vec<hn::Rebind<std::int16_t, D>> wideSum(D d, Rows rows, const std::int16_t* weights, std::size_t x) {
  const hn::Rebind<std::uint8_t, D> bytes;
  auto sum = hn::Set(d, 128);
  for (std::size_t t = 0; t < rows.size(); t++)
    sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(bytes, rows[t] + x)), hn::Set(d, weights[t])));
  return hn::DemoteTo(hn::Rebind<std::int16_t, D>(), hn::ShiftRight<8>(sum));
}

/** Calls `at(x)` so that vectors of `lanes` cover `count`; the last one overlaps. Gives what is left: all, or nothing.
 */
template <typename At>
std::size_t coverRow(std::size_t count, std::size_t lanes, At at) {
  if (count < lanes) return 0;
  for (std::size_t x = 0; x + lanes <= count; x += lanes) at(x);
  if (count % lanes != 0) at(count - lanes);
  return count;
}

void FilterRows(Rows rows, const std::int16_t* weights, std::size_t count, std::int16_t* out) {
  const Lines lines;
  const Wide wide;
  const hn::Rebind<std::int16_t, Wide> narrow;
  std::size_t done = 0;
  if (rows.size() <= mostShortTaps)
    done = coverRow(count, hn::Lanes(lines),
                    [&](std::size_t x) { hn::StoreU(shortSum(lines, rows, weights, x), lines, out + x); });
  else
    done = coverRow(count, hn::Lanes(wide),
                    [&](std::size_t x) { hn::StoreU(wideSum(wide, rows, weights, x), narrow, out + x); });
  const hn::CappedTag<std::int32_t, 1> one;
  const hn::Rebind<std::int16_t, decltype(one)> oneShort;
  for (std::size_t x = done; x < count; x++) hn::StoreU(wideSum(one, rows, weights, x), oneShort, out + x);
}

#if HWY_TARGET == HWY_SCALAR

void Transpose(Matrix in, std::size_t rows, std::size_t columns, Matrix out) {
  for (std::size_t y = 0; y < rows; y++)
    for (std::size_t x = 0; x < columns; x++) out.data[x * out.stride + y] = in.data[y * in.stride + x];
}

#else

/** Three rounds of interleaving turn eight rows of eight into columns. */
template <class D, class V = hn::Vec<D>>
void interleave(D d, const V (&in)[8], V (&out)[8]) {
  for (std::size_t i = 0; i < 4; i++) {
    out[2 * i] = hn::InterleaveLower(d, in[i], in[i + 4]);
    out[2 * i + 1] = hn::InterleaveUpper(d, in[i], in[i + 4]);
  }
}

void Transpose(Matrix in, std::size_t rows, std::size_t columns, Matrix out) {
  const hn::FixedTag<std::int16_t, 8> d;
  hn::Vec<decltype(d)> a[8], b[8];
  for (std::size_t y = 0; y < rows; y += 8) {
    for (std::size_t x = 0; x < columns; x += 8) {
      for (std::size_t i = 0; i < 8; i++) a[i] = hn::LoadU(d, in.data + (y + i) * in.stride + x);
      interleave(d, a, b);
      interleave(d, b, a);
      interleave(d, a, b);
      for (std::size_t i = 0; i < 8; i++) hn::StoreU(b[i], d, out.data + (x + i) * out.stride + y);
    }
  }
}

#endif

/** One column's sum over its taps, which lie `step` columns apart. */
template <class D>
hn::Vec<D> shortColumn(D d, const std::int16_t* column, std::size_t step, std::span<const std::int16_t> weights) {
  auto sum = hn::Zero(d);
  for (std::size_t t = 0; t < weights.size(); t++)
    sum = hn::Add(sum, hn::MulFixedPoint15(hn::LoadU(d, column + t * step), hn::Set(d, weights[t])));
  return sum;
}

template <class D>
hn::Vec<hn::Rebind<std::int16_t, D>> wideColumn(D d, const std::int16_t* column, std::size_t step,
                                                std::span<const std::int16_t> weights) {
  const hn::Rebind<std::int16_t, D> narrow;
  auto sum = hn::Set(d, 1 << 14);
  for (std::size_t t = 0; t < weights.size(); t++)
    sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(narrow, column + t * step)), hn::Set(d, weights[t])));
  return hn::DemoteTo(narrow, hn::ShiftRight<15>(sum));
}

void FilterColumns(const Columns& columns, const Weights& weights, std::int16_t* out) {
  const Lines lines;
  const Wide wide;
  const hn::Rebind<std::int16_t, Wide> narrow;
  const std::size_t step = columns.channels * passLines;
  for (std::size_t i = 0; i < weights.first.size(); i++, out += passLines) {
    const std::size_t pixel = weights.first[i] - columns.first;
    const std::int16_t* column = columns.data + (pixel * columns.channels + columns.channel) * passLines;
    const std::span taps(weights.of(i), weights.taps);
    if (weights.taps <= mostShortTaps) {
      for (std::size_t y = 0; y < passLines; y += hn::Lanes(lines))
        hn::StoreU(shortColumn(lines, column + y, step, taps), lines, out + y);
    } else {
      for (std::size_t y = 0; y < passLines; y += hn::Lanes(wide))
        hn::StoreU(wideColumn(wide, column + y, step, taps), narrow, out + y);
    }
  }
}

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

struct RgbVector {
  FloatVector r, g, b;
};

FloatVector loadSamples(const std::int16_t* samples) {
  const hn::Rebind<std::int16_t, Floats> narrow;
  const hn::Rebind<std::int32_t, Floats> integers;
  return hn::ConvertTo(Floats(), hn::PromoteTo(integers, hn::LoadU(narrow, samples)));
}

FloatVector clip(FloatVector value) {
  const Floats d;
  return hn::Min(hn::Max(value, hn::Zero(d)), hn::Set(d, 255.0F));
}

constexpr float unit = 1.0F / 128;

HWY_INLINE RgbVector loadRgb(const Line& line, std::size_t x) {
  const auto channel = [&](std::size_t c) {
    return clip(hn::Mul(loadSamples(line.channels[c] + x), hn::Set(Floats(), unit)));
  };
  return {channel(0), channel(1), channel(2)};
}

/** ITU-R BT.601, 8 bits, limited range. */
HWY_INLINE RgbVector loadYuv(const Line& line, std::size_t x) {
  const Floats d;
  const auto factor = [&](float value) { return hn::Set(d, value * unit); };
  const auto y = hn::MulSub(loadSamples(line.channels[0] + x), factor(1.164383F), hn::Set(d, 16 * 1.164383F));
  const auto u = hn::Sub(loadSamples(line.channels[1] + x), hn::Set(d, 128 * 128.0F));
  const auto v = hn::Sub(loadSamples(line.channels[2] + x), hn::Set(d, 128 * 128.0F));
  const auto g = hn::NegMulAdd(v, factor(0.812968F), hn::NegMulAdd(u, factor(0.391762F), y));
  return {clip(hn::MulAdd(v, factor(1.596027F), y)), clip(g), clip(hn::MulAdd(u, factor(2.017232F), y))};
}

/** Stores one vector of pixels; `channel` is 1 where the pixels are interleaved. */
HWY_INLINE void storePixels(const RgbVector& rgb, const PixelTarget& target, float* to, std::size_t channel) {
  const Floats d;
  const auto normalise = [&](FloatVector value, std::size_t c) {
    return hn::MulAdd(value, hn::Set(d, target.scale[c]), hn::Set(d, -target.mean[c] * target.scale[c]));
  };
  const auto r = normalise(rgb.r, 0), g = normalise(rgb.g, 1), b = normalise(rgb.b, 2);
  if (channel == 1) return hn::StoreInterleaved3(r, g, b, d, to);
  hn::StoreU(r, d, to);
  hn::StoreU(g, d, to + channel);
  hn::StoreU(b, d, to + 2 * channel);
}

HWY_INLINE void storePixels(const RgbVector& rgb, const PixelTarget&, std::uint8_t* to, std::size_t channel) {
  const hn::Rebind<std::uint8_t, Floats> d;
  const auto round = [&](FloatVector value) { return hn::DemoteTo(d, hn::NearestInt(value)); };
  const auto r = round(rgb.r), g = round(rgb.g), b = round(rgb.b);
  if (channel == 1) return hn::StoreInterleaved3(r, g, b, d, to);
  hn::StoreU(r, d, to);
  hn::StoreU(g, d, to + channel);
  hn::StoreU(b, d, to + 2 * channel);
}

/** Stores the last pixels of a line, fewer than a vector, by way of a buffer. */
template <typename Value>
void storeRest(const RgbVector& rgb, const PixelTarget& target, Value* to, std::size_t count) {
  Value buffer[3 * hn::MaxLanes(Floats())];
  const std::size_t lanes = hn::Lanes(Floats());
  storePixels(rgb, target, buffer, target.planar() ? lanes : 1);
  if (!target.planar()) {
    std::copy_n(buffer, 3 * count, to);
    return;
  }
  for (std::size_t c = 0; c < 3; c++) std::copy_n(buffer + c * lanes, count, to + c * target.channel);
}

template <typename Load, typename Value>
void storeAll(const Line& line, Load load, const PixelTarget& target, Value* to) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t x = 0;
  for (; x + lanes <= line.count; x += lanes) storePixels(load(line, x), target, to + x * target.pixel, target.channel);
  if (x < line.count) storeRest(load(line, x), target, to + x * target.pixel, line.count - x);
}

template <typename Value>
void storeAs(const Line& line, const PixelTarget& target, Value* to) {
  // Lambdas, because a pointer to a function would be called once per vector.
  if (line.space == ColorSpace::rgb)
    return storeAll(
        line, [](const Line& from, std::size_t x) HWY_ATTR { return loadRgb(from, x); }, target, to);
  storeAll(
      line, [](const Line& from, std::size_t x) HWY_ATTR { return loadYuv(from, x); }, target, to);
}

void StoreLine(const Line& line, const PixelTarget& target, std::size_t x, std::size_t y) {
  const std::size_t at = y * target.row + x * target.pixel;
  if (target.floats != nullptr) return storeAs(line, target, target.floats + at);
  storeAs(line, target, target.bytes + at);
}

}  // namespace
}  // namespace hailstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hailstream {

HWY_EXPORT(FilterRows);
HWY_EXPORT(Transpose);
HWY_EXPORT(FilterColumns);
HWY_EXPORT(StoreLine);

void filterRows(std::span<const std::uint8_t* const> rows, const std::int16_t* weights, std::size_t count,
                std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(FilterRows)(rows, weights, count, out);
}

void transpose(Matrix in, std::size_t rows, std::size_t columns, Matrix out) {
  HWY_DYNAMIC_DISPATCH(Transpose)(in, rows, columns, out);
}

void filterColumns(const Columns& columns, const Weights& weights, std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(FilterColumns)(columns, weights, out);
}

void storeLine(const Line& line, const PixelTarget& target, std::size_t x, std::size_t y) {
  HWY_DYNAMIC_DISPATCH(StoreLine)(line, target, x, y);
}

}  // namespace hailstream
#endif
