#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "heads/picture.h"

namespace standin {

/** The twelve hues that mean something, every 30 degrees; a hue's place here is its class id. */
inline constexpr std::array colourNames = {"red",  "orange", "yellow", "chartreuse", "green",   "spring green",
                                           "cyan", "azure",  "blue",   "violet",     "magenta", "rose"};
inline constexpr int colourCount = static_cast<int>(colourNames.size());

inline constexpr int personColour = 0;
inline constexpr int faceColour = 2;

inline constexpr float minChroma = 128;

/** The number of the hue of a pixel whose largest channel and difference of channels are known. */
int hueOf(const Rgb& pixel, float highest, float chroma);

/**
 * The hue of a pixel that is at least half saturated; nothing for greys. So the edge of a shape, blended with a grey
 * background by resizing, lies where it was drawn.
 */
inline std::optional<int> colourOf(const Rgb& pixel) {
  const float highest = std::max({pixel.red, pixel.green, pixel.blue});
  const float chroma = highest - std::min({pixel.red, pixel.green, pixel.blue});
  if (chroma < minChroma) return std::nullopt;
  return hueOf(pixel, highest, chroma);
}

}  // namespace standin
