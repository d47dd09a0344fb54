#include "heads/palette.h"

#include <algorithm>
#include <cmath>

namespace standin {
namespace {

constexpr float minChroma = 128;

}  // namespace

std::optional<int> colourOf(const Rgb& pixel) {
  const auto [red, green, blue] = pixel;
  const float highest = std::max({red, green, blue});
  const float chroma = highest - std::min({red, green, blue});
  if (chroma < minChroma) return std::nullopt;
  float sixth = highest == red     ? (green - blue) / chroma
                : highest == green ? 2 + (blue - red) / chroma
                                   : 4 + (red - green) / chroma;
  if (sixth < 0) sixth += 6;
  return static_cast<int>(std::lround(sixth * 2)) % colourCount;
}

}  // namespace standin
