#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hailstream {

/** A float32 tensor that somebody else owns; `data` has as many values as the shape's product. */
struct TensorView {
  std::span<const float> data;
  std::vector<std::size_t> shape;
};

}  // namespace hailstream
