#include "heads/scene.h"

#include <algorithm>
#include <cmath>

namespace standin {
namespace {

constexpr float bestScore = 0.95f;
constexpr std::uint32_t largestStep = 4;
constexpr signed char none = -1;

struct Cell {
  std::uint32_t row;
  std::uint32_t column;
};

/** The picture looked at every few pixels: quick, and the shapes that matter are larger. */
struct Grid {
  std::uint32_t step;
  std::uint32_t rows;
  std::uint32_t columns;
  std::vector<signed char> colours;

  signed char& at(Cell cell) { return colours[cell.row * columns + cell.column]; }
};

Grid lookAt(const Picture& picture) {
  const auto& shape = picture.shape();
  const auto step = std::clamp(std::min(shape.height, shape.width) / 100, 1u, largestStep);
  Grid grid{step, (shape.height + step - 1) / step, (shape.width + step - 1) / step, {}};
  grid.colours.reserve(static_cast<std::size_t>(grid.rows) * grid.columns);
  for (std::uint32_t row = 0; row < grid.rows; row++) {
    for (std::uint32_t column = 0; column < grid.columns; column++)
      grid.colours.push_back(static_cast<signed char>(colourOf(picture.at(row * step, column * step)).value_or(none)));
  }
  return grid;
}

/** Takes the connected cells of one colour out of the grid. */
std::vector<Cell> takeArea(Grid& grid, Cell first) {
  const auto colour = grid.at(first);
  std::vector<Cell> area = {first};
  grid.at(first) = none;
  for (std::size_t i = 0; i < area.size(); i++) {
    const auto [row, column] = area[i];
    for (const auto& [down, right] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
      const Cell next{row + static_cast<std::uint32_t>(down), column + static_cast<std::uint32_t>(right)};
      if (next.row >= grid.rows || next.column >= grid.columns || grid.at(next) != colour) continue;
      grid.at(next) = none;
      area.push_back(next);
    }
  }
  return area;
}

/** Walks from a pixel of the colour to the last one in a direction, within one step of the grid. */
Cell walk(const Picture& picture, const Grid& grid, Cell from, int down, int right, int colour) {
  Cell at{from.row * grid.step, from.column * grid.step};
  for (std::uint32_t i = 0; i < grid.step; i++) {
    const Cell next{at.row + static_cast<std::uint32_t>(down), at.column + static_cast<std::uint32_t>(right)};
    if (next.row >= picture.shape().height || next.column >= picture.shape().width) break;
    if (colourOf(picture.at(next.row, next.column)) != colour) break;
    at = next;
  }
  return at;
}

Tilted tilt(const std::vector<Cell>& area, const Grid& grid) {
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (const auto& [row, column] : area) x += column, y += row;
  const auto count = static_cast<double>(area.size());
  x /= count, y /= count;
  for (const auto& [row, column] : area) {
    xx += (column - x) * (column - x);
    yy += (row - y) * (row - y);
    xy += (column - x) * (row - y);
  }
  xx /= count, yy /= count, xy /= count;
  const double half = std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
  const auto side = [&](double spread) {
    return static_cast<float>(std::sqrt(12 * std::max(spread, 0.0) + 1) * grid.step);
  };
  const double middle = (xx + yy) / 2;
  // A sample stands for the pixels from it to the next: the middle lies half a step behind, less half a pixel's worth.
  const double offset = grid.step / 2.0;
  return {static_cast<float>(x * grid.step + offset), static_cast<float>(y * grid.step + offset), side(middle + half),
          side(middle - half), half < 1e-6 ? 0.0f : static_cast<float>(0.5 * std::atan2(2 * xy, xx - yy))};
}

std::optional<Thing> toThing(const Picture& picture, const Grid& grid, const std::vector<Cell>& area, int colour) {
  const auto [top, bottom] = std::ranges::minmax_element(area, {}, &Cell::row);
  const auto [left, right] = std::ranges::minmax_element(area, {}, &Cell::column);
  const auto rows = bottom->row - top->row + 1;
  const auto columns = right->column - left->column + 1;
  if (rows < 2 || columns < 2) return std::nullopt;
  const PixelBox box{static_cast<float>(walk(picture, grid, *left, 0, -1, colour).column),
                     static_cast<float>(walk(picture, grid, *top, -1, 0, colour).row),
                     static_cast<float>(walk(picture, grid, *right, 0, 1, colour).column + 1),
                     static_cast<float>(walk(picture, grid, *bottom, 1, 0, colour).row + 1)};
  const float fill = static_cast<float>(area.size()) / static_cast<float>(rows * columns);
  return Thing{colour, box, bestScore * fill, tilt(area, grid)};
}

}  // namespace

std::vector<Thing> findThings(const Picture& picture) {
  Grid grid = lookAt(picture);
  std::vector<Thing> things;
  for (std::uint32_t row = 0; row < grid.rows; row++) {
    for (std::uint32_t column = 0; column < grid.columns; column++) {
      const int colour = grid.at({row, column});
      if (colour == none) continue;
      if (const auto thing = toThing(picture, grid, takeArea(grid, {row, column}), colour)) things.push_back(*thing);
    }
  }
  return things;
}

}  // namespace standin
