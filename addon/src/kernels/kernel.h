#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/image.h"
#include "core/tensor.h"

namespace hailstream {

/** What a kernel is asked. Units and ranges as in `engine/native/addon.ts`, whose binding has checked them. */
struct DecodeOptions {
  float minScore = 0.25f;
  float iou = 0.45f;
  std::size_t maxRows = 300;
  /** Class scores are probabilities already, as heads with their sigmoid compiled in give them, and no logits. */
  bool activated = false;
  /** Class indexes to keep, sorted; empty keeps all. */
  std::vector<std::uint32_t> classes;
  double inputWidth = 0;
  double inputHeight = 0;
  /** Network input → source pixels. */
  Affine toSource = {1, 0, 0, 0, 1, 0};
  double sourceWidth = 0;
  double sourceHeight = 0;
};

class MaskSheet;

/** Tensors → rows in source pixels, best first. Throws `invalid` when the tensors are not the ones it decodes. */
using Decode = std::vector<float> (*)(std::span<const TensorView>, const DecodeOptions&);

/** The same, and each row's mask into the sheet. */
using DecodeMasks = std::vector<float> (*)(std::span<const TensorView>, const DecodeOptions&, MaskSheet&);

/** A decode kernel: pure arithmetic, callable from any thread. */
struct Kernel {
  std::string_view name;
  /** Values in a row. */
  std::size_t width;
  Decode decode;
  /** Null where rows have no masks. */
  DecodeMasks decodeMasks;
};

/** Enters a kernel into the registry; made at namespace scope beside the kernel, so that adding a file is enough. */
class KernelEntry {
 public:
  KernelEntry(std::string_view name, std::size_t width, Decode decode, DecodeMasks decodeMasks = nullptr);
};

/** All kernels, by name. */
std::vector<Kernel> kernels();

/** Throws `invalid` for an unknown name, with those that are known. */
const Kernel& findKernel(std::string_view name);

/** `[1 × 84 × 8400]`, for messages. */
std::string shapeText(std::span<const std::size_t> shape);

/** `[1 × 84 × 8400], [1 × 64 × 80 × 80]`, for messages. */
std::string shapesText(std::span<const TensorView> tensors);

/** Throws `invalid`: what the kernel decodes, and what it got. */
[[noreturn]] void rejectTensors(std::string_view kernel, std::string_view expected,
                                std::span<const TensorView> tensors);

}  // namespace hailstream
