#pragma once

#include <vector>

#include "heads/palette.h"

namespace standin {

/** Pixels; right and bottom lie one behind the last. */
struct PixelBox {
  float left;
  float top;
  float right;
  float bottom;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  float middleX() const { return (left + right) / 2; }
  float middleY() const { return (top + bottom) / 2; }
};

/** The rectangle of the same area and second moments; `angle` in radians of its longer side from the x axis. */
struct Tilted {
  float x;
  float y;
  float width;
  float height;
  float angle;
};

/** A connected area of one colour. */
struct Thing {
  int colour;
  PixelBox box;
  /** 0.95 of the share of its box that it fills: a rectangle's is 0.95. */
  float score;
  Tilted tilted;
};

/** Every thing of at least 2 × 2 cells of the search grid (4 pixels, less in small pictures), from the top down. */
std::vector<Thing> findThings(const Picture& picture);

}  // namespace standin
