#include "heads/palette.h"

#include <cmath>

namespace standin {

int hueOf(const Rgb& pixel, float highest, float chroma) {
  const auto [red, green, blue] = pixel;
  float sixth = highest == red     ? (green - blue) / chroma
                : highest == green ? 2 + (blue - red) / chroma
                                   : 4 + (red - green) / chroma;
  if (sixth < 0) sixth += 6;
  return static_cast<int>(std::lround(sixth * 2)) % colourCount;
}

}  // namespace standin
