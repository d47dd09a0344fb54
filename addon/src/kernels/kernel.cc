#include "kernels/kernel.h"

#include <algorithm>

#include "core/error.h"

namespace hailstream {
namespace {

/** Made at its first use, because entries of other files may come before this file's globals. */
std::vector<Kernel>& registry() {
  static std::vector<Kernel> entries;
  return entries;
}

}  // namespace

KernelEntry::KernelEntry(std::string_view name, std::size_t width, Decode decode, DecodeMasks decodeMasks) {
  auto& entries = registry();
  const auto after = std::ranges::find_if(entries, [&](const Kernel& entry) { return entry.name > name; });
  entries.insert(after, Kernel{name, width, decode, decodeMasks});
}

std::vector<Kernel> kernels() {
  return registry();
}

const Kernel& findKernel(std::string_view name) {
  std::string known;
  for (const auto& entry : registry()) {
    if (entry.name == name) return entry;
    known.append(known.empty() ? "" : ", ").append(entry.name);
  }
  throw Error(ErrorCode::invalid, "Expected a decode kernel (" + known + "), received " + std::string(name));
}

std::string shapeText(std::span<const std::size_t> shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() > 1 ? " × " : "") + std::to_string(size);
  return text + "]";
}

std::string shapesText(std::span<const TensorView> tensors) {
  std::string text;
  for (const auto& tensor : tensors) text += (text.empty() ? "" : ", ") + shapeText(tensor.shape);
  return text.empty() ? "no tensor" : text;
}

void rejectTensors(std::string_view kernel, std::string_view expected, std::span<const TensorView> tensors) {
  throw Error(ErrorCode::invalid, "Expected for " + std::string(kernel) + " " + std::string(expected) + ", received " +
                                      shapesText(tensors));
}

}  // namespace hailstream
