#include "kernels/least_box.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hailstream {
namespace {

Point minus(Point first, Point second) {
  return {first.x - second.x, first.y - second.y};
}

Point plus(Point point, Point direction, float length) {
  return {point.x + direction.x * length, point.y + direction.y * length};
}

float cross(Point first, Point second) {
  return first.x * second.y - first.y * second.x;
}

float dot(Point first, Point second) {
  return first.x * second.x + first.y * second.y;
}

Point unit(Point vector) {
  const float length = std::hypot(vector.x, vector.y);
  return length > 0 ? Point{vector.x / length, vector.y / length} : Point{0, 0};
}

/** Andrew 1979, "Another efficient algorithm for convex hulls in two dimensions". */
std::vector<Point> hullOf(std::vector<Point> points) {
  std::ranges::sort(points, [](Point a, Point b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  std::vector<Point> hull;
  const auto add = [&](Point point, std::size_t from) {
    while (hull.size() >= from + 2 && cross(minus(hull.back(), hull[hull.size() - 2]), minus(point, hull.back())) <= 0)
      hull.pop_back();
    hull.push_back(point);
  };
  for (const auto point : points) add(point, 0);
  const std::size_t lower = hull.size() - 1;
  for (auto point = points.rbegin() + 1; point < points.rend(); point++) add(*point, lower);
  if (hull.size() > 1) hull.pop_back();
  return hull;
}

struct Extent {
  float low = std::numeric_limits<float>::max();
  float high = std::numeric_limits<float>::lowest();

  void take(float value) { low = std::min(low, value), high = std::max(high, value); }
  float length() const { return high - low; }
};

}  // namespace

float distanceBetween(Point first, Point second) {
  return std::hypot(first.x - second.x, first.y - second.y);
}

Corners leastBox(std::vector<Point> points) {
  const auto hull = hullOf(std::move(points));
  Corners best{hull[0], hull[0], hull[0], hull[0]};
  float least = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < hull.size() && hull.size() > 1; i++) {
    const Point along = unit(minus(hull[(i + 1) % hull.size()], hull[i]));
    const Point across{-along.y, along.x};
    Extent u;
    Extent v;
    for (const auto point : hull) u.take(dot(point, along)), v.take(dot(point, across));
    const float area = u.length() * v.length();
    if (!(area < least)) continue;
    least = area;
    const auto corner = [&](float x, float y) { return plus(plus({0, 0}, along, x), across, y); };
    best = {corner(u.low, v.low), corner(u.high, v.low), corner(u.high, v.high), corner(u.low, v.high)};
  }
  return best;
}

Corners growBox(const Corners& corners, float distance) {
  const Point along = unit(minus(corners[1], corners[0]));
  const Point across = unit(minus(corners[3], corners[0]));
  const auto moved = [&](Point corner, float right, float down) {
    return plus(plus(corner, along, right * distance), across, down * distance);
  };
  return {moved(corners[0], -1, -1), moved(corners[1], 1, -1), moved(corners[2], 1, 1), moved(corners[3], -1, 1)};
}

}  // namespace hailstream
