#pragma once

#include <array>
#include <vector>

#include "kernels/nms.h"

namespace hailstream {

/** A rectangle that may be turned: its corners go round clockwise as one sees them, y pointing down. */
using Corners = std::array<Point, 4>;

/** The rectangle of least area around the points, one side of which lies on their convex hull (Freeman and Shapira
 * 1975). At least one point. */
Corners leastBox(std::vector<Point> points);

/** The same rectangle with each side moved outwards by `distance`; sides of no length stay where they are. */
Corners growBox(const Corners& corners, float distance);

float distanceBetween(Point first, Point second);

}  // namespace hailstream
