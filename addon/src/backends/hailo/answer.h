#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/hailo/tensors.h"
#include "kernels/kernel.h"

namespace hailstream::hailo {

/** What to make of a network's outputs. Beside the kernels of kernels/kernel.h there are `hailo-nms` (boxes of the
 * device's own suppression), `hailo-masks` (the same with masks), `hailo-tensor` (the values of the one output, as
 * floats) and `hailo-map` (its bytes, as they are). */
struct Question {
  std::string kernel;
  DecodeOptions options;
  /** Where a map goes: the output of `hailo-map`, or the masks of a kernel that has some, for which it may be empty. */
  std::span<std::uint8_t> map;
  /** The masks are wanted as runs (kernels/mask_runs.h), and not as a map. */
  bool runs = false;
};

struct Map {
  std::size_t width;
  std::size_t height;
  std::size_t channels;
  TensorType type;
  std::size_t bytes;
  /** real = (value − zeroPoint) × scale. */
  Quantisation quantisation;
};

struct Answer {
  std::vector<float> rows;
  /** Network input → source pixels. */
  Affine toSource;
  std::optional<Map> map;
  /** One per row, where they were asked for. */
  std::optional<std::vector<std::string>> runs = std::nullopt;
};

/**
 * Checks, before anything runs, that the outputs are ones that the kernel reads and that the map has room. Throws
 * `invalid` or `too-large`.
 */
void checkQuestion(const std::vector<Tensor>& outputs, const Question& question);

/** Reads what the device wrote: `frames[i]` belongs to `outputs[i]`. Throws `internal` when it makes no sense. */
Answer answer(const std::vector<Tensor>& outputs, const std::vector<std::span<const std::uint8_t>>& frames,
              const Question& question);

}  // namespace hailstream::hailo
