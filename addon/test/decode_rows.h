#pragma once

#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "kernels/kernel.h"

/** What the tests of the decode kernels share. */
namespace hailstream {

/** A tensor that owns its values. */
struct OwnedTensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;

  explicit OwnedTensor(std::vector<std::size_t> sizes, float fill = 0) : shape(std::move(sizes)) {
    values.assign(std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()), fill);
  }
  TensorView view() const { return {values, shape}; }
};

inline std::vector<TensorView> viewsOf(const std::vector<OwnedTensor>& tensors) {
  std::vector<TensorView> views;
  for (const auto& tensor : tensors) views.push_back(tensor.view());
  return views;
}

/** Source and input are one, of this size. */
inline DecodeOptions optionsOf(double width, double height) {
  DecodeOptions options;
  options.inputWidth = options.sourceWidth = width;
  options.inputHeight = options.sourceHeight = height;
  return options;
}

inline std::vector<float> decode(const char* kernel, const std::vector<OwnedTensor>& tensors,
                                 const DecodeOptions& options) {
  return findKernel(kernel).decode(viewsOf(tensors), options);
}

inline void areNear(const std::vector<float>& received, const std::vector<float>& expected, double tolerance,
                    const check::Place place = check::Place::current()) {
  check::equals(received.size(), expected.size(), place);
  for (std::size_t i = 0; i < expected.size(); i++) check::isNear(received[i], expected[i], tolerance, place);
}

inline void refuses(const char* kernel, const std::vector<OwnedTensor>& tensors, const DecodeOptions& options,
                    const std::string& part, const check::Place place = check::Place::current()) {
  const auto error = check::throws<Error>([&] { decode(kernel, tensors, options); }, place);
  check::isTrue(error.code() == ErrorCode::invalid, "the code invalid", place);
  check::isTrue(std::string(error.what()).find(part) != std::string::npos, part + " in: " + error.what(), place);
}

}  // namespace hailstream
