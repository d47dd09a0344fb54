#include "kernels/yuv.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "check.h"

using namespace hailstream;

namespace {

std::vector<std::uint8_t> everyValue() {
  std::vector<std::uint8_t> values(256);
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  return values;
}

double exactly(const RangeMap& map, double value) {
  const double gain = map.whole + map.part / 32768.0;
  return std::clamp((value - map.from) * gain + map.to, 0.0, 255.0);
}

}  // namespace

TEST("maps every value by its range, in rows of any length") {
  const auto in = everyValue();
  for (const RangeMap& map : {lumaToLimited, chromaToLimited, lumaToFull, chromaToFull})
    for (const std::size_t count : {256, 255, 17, 3, 1}) {
      std::vector<std::uint8_t> out(257, 9);
      mapRow(in.data(), out.data(), count, map);
      for (std::size_t i = 0; i < count; i++) check::isNear(out[i], exactly(map, double(i)), 0.52);
      check::equals(int(out[count]), 9);
    }
}

TEST("takes full range to limited and back with no more than a level's loss") {
  auto row = everyValue();
  mapRow(row.data(), row.data(), 256, lumaToLimited);
  check::equals(int(row[0]), 16);
  check::equals(int(row[255]), 235);
  mapRow(row.data(), row.data(), 256, lumaToFull);
  for (int i = 0; i < 256; i++) check::isNear(row[std::size_t(i)], i, 1);
}

TEST("interleaves chroma as it maps it, and takes it apart again") {
  const auto u = everyValue();
  auto v = everyValue();
  std::reverse(v.begin(), v.end());
  for (const std::size_t count : {256, 101, 2, 1}) {
    std::vector<std::uint8_t> uv(2 * count), mapped(count), u2(count), v2(count);
    mapInterleaving(u.data(), v.data(), uv.data(), count, chromaToLimited);
    mapRow(v.data(), mapped.data(), count, chromaToLimited);
    for (std::size_t i = 0; i < count; i++) check::equals(int(uv[2 * i + 1]), int(mapped[i]));
    mapDeinterleaving(uv.data(), u2.data(), v2.data(), count, chromaToFull);
    for (std::size_t i = 0; i < count; i++) check::isNear(u2[i], u[i], 1);
    for (std::size_t i = 0; i < count; i++) check::isNear(v2[i], v[i], 1);
  }
}
