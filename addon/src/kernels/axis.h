#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace hailstream {

/**
 * How one axis of the target lies on the source: source = origin + step × target, in pixel coordinates. The centres of
 * target pixels `begin` to `end` (excluded) lie within the source's `size` pixels; the others are padding.
 */
struct Axis {
  double origin;
  double step;
  std::size_t size;
  std::size_t begin;
  std::size_t end;

  /** Target pixels that the source fills. */
  std::size_t count() const { return end - begin; }
  bool operator==(const Axis&) const = default;
};

/** A box of `length` source pixels from `origin` on `pixels` target pixels; parts outside of the source are padding. */
Axis boxAxis(std::size_t size, double origin, double length, std::size_t pixels);
/** The whole source on `used` target pixels that begin at `begin`. */
Axis wholeAxis(std::size_t size, std::size_t begin, std::size_t used);
/** The same axis on a chroma plane, which has half as many samples, rounded up. */
Axis halved(const Axis& axis);

/**
 * Weights of a triangle filter per filled target pixel: `taps` source samples from `first[i]`, weights in 1/32768 that
 * sum up to 32767 exactly (a weight of 1 does not fit). Where a filter reaches over the source's edge it is cut off
 * there.
 */
struct Weights {
  std::size_t taps;
  /** Whether each target pixel is one source pixel, and the next one is the next. */
  bool copies;
  std::vector<std::uint32_t> first;
  std::vector<std::int16_t> values;

  const std::int16_t* of(std::size_t i) const { return values.data() + i * taps; }
};

/** The weights for an axis, from this thread's cache. */
std::shared_ptr<const Weights> weightsFor(const Axis& axis);

}  // namespace hailstream
