#pragma once

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

/**
 * The hue of a pixel that is at least half saturated; nothing for greys. So the edge of a shape, blended with a grey
 * background by resizing, lies where it was drawn.
 */
std::optional<int> colourOf(const Rgb& pixel);

}  // namespace standin
