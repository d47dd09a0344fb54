#include "kernels/yuv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/yuv.cc"
// foreach_target.h includes this file once per instruction set.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hailstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Wide = hn::CappedTag<std::int16_t, 16>;
template <class D>
using BytesOf = hn::Rebind<std::uint8_t, D>;

/** In 1/128, saturating: what leaves 0 to 255 is clipped when it is narrowed. */
template <class D>
hn::Vec<BytesOf<D>> mapped(D d, hn::Vec<BytesOf<D>> value, const RangeMap& map) {
  const auto centred = hn::ShiftLeft<7>(hn::Sub(hn::PromoteTo(d, value), hn::Set(d, map.from)));
  const auto part = hn::MulFixedPoint15(centred, hn::Set(d, map.part));
  const auto whole = map.whole == 0 ? hn::Zero(d) : centred;
  const auto offset = hn::Set(d, static_cast<std::int16_t>((map.to << 7) + 64));
  return hn::DemoteTo(BytesOf<D>(), hn::ShiftRight<7>(hn::SaturatedAdd(hn::SaturatedAdd(whole, part), offset)));
}

template <class D>
hn::Vec<BytesOf<D>> mappedAt(D d, const std::uint8_t* in, const RangeMap& map) {
  return mapped(d, hn::LoadU(BytesOf<D>(), in), map);
}

/** Calls `at(tag, x)` for all of a row: by whole vectors, then one by one. */
template <typename At>
void overRow(std::size_t count, At at) {
  const Wide d;
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= count; x += hn::Lanes(d)) at(d, x);
  for (; x < count; x++) at(hn::CappedTag<std::int16_t, 1>(), x);
}

void MapRow(const std::uint8_t* in, std::uint8_t* out, std::size_t count, const RangeMap& map) {
  overRow(count, [&](auto d, std::size_t x) { hn::StoreU(mappedAt(d, in + x, map), BytesOf<decltype(d)>(), out + x); });
}

void MapInterleaving(const std::uint8_t* u, const std::uint8_t* v, std::uint8_t* uv, std::size_t count,
                     const RangeMap& map) {
  overRow(count, [&](auto d, std::size_t x) {
    hn::StoreInterleaved2(mappedAt(d, u + x, map), mappedAt(d, v + x, map), BytesOf<decltype(d)>(), uv + 2 * x);
  });
}

void MapDeinterleaving(const std::uint8_t* uv, std::uint8_t* u, std::uint8_t* v, std::size_t count,
                       const RangeMap& map) {
  overRow(count, [&](auto d, std::size_t x) {
    const BytesOf<decltype(d)> bytes;
    hn::Vec<decltype(bytes)> first, second;
    hn::LoadInterleaved2(bytes, uv + 2 * x, first, second);
    hn::StoreU(mapped(d, first, map), bytes, u + x);
    hn::StoreU(mapped(d, second, map), bytes, v + x);
  });
}

}  // namespace
}  // namespace hailstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hailstream {

HWY_EXPORT(MapRow);
HWY_EXPORT(MapInterleaving);
HWY_EXPORT(MapDeinterleaving);

void mapRow(const std::uint8_t* in, std::uint8_t* out, std::size_t count, const RangeMap& map) {
  HWY_DYNAMIC_DISPATCH(MapRow)(in, out, count, map);
}

void mapInterleaving(const std::uint8_t* u, const std::uint8_t* v, std::uint8_t* uv, std::size_t count,
                     const RangeMap& map) {
  HWY_DYNAMIC_DISPATCH(MapInterleaving)(u, v, uv, count, map);
}

void mapDeinterleaving(const std::uint8_t* uv, std::uint8_t* u, std::uint8_t* v, std::size_t count,
                       const RangeMap& map) {
  HWY_DYNAMIC_DISPATCH(MapDeinterleaving)(uv, u, v, count, map);
}

}  // namespace hailstream
#endif
