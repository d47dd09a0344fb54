#include "kernels/dequantise.h"

#include <random>
#include <vector>

#include "check.h"

using namespace hailstream;

namespace {

/** The formula, value by value. */
template <typename Value>
std::vector<float> oracle(const std::vector<Value>& values, const std::vector<Quantisation>& features) {
  std::vector<float> target;
  for (std::size_t i = 0; i < values.size(); i++) {
    const auto& [zero, scale] = features[i % features.size()];
    target.push_back((static_cast<float>(values[i]) - zero) * scale);
  }
  return target;
}

template <typename Value>
void agrees(std::size_t places, std::size_t features) {
  std::mt19937 numbers(static_cast<unsigned>(places * 131 + features));
  std::vector<Quantisation> quantisation(features);
  for (auto& feature : quantisation)
    feature = {static_cast<float>(numbers() % 256), 0.001f + static_cast<float>(numbers() % 1000) / 7000};
  std::vector<Value> values(places * features);
  for (auto& value : values) value = static_cast<Value>(numbers());
  std::vector<float> target(values.size(), -1);
  dequantise(std::span<const Value>(values), quantisation, target);
  const auto expected = oracle(values, quantisation);
  for (std::size_t i = 0; i < values.size(); i++) check::equals(target[i], expected[i]);
}

}  // namespace

TEST("gives (value − zero point) × scale for every value of a tensor") {
  std::vector<float> target(3);
  const std::vector<std::uint8_t> bytes = {0, 10, 255};
  const std::vector<Quantisation> quantisation = {{10, 0.5f}};
  dequantise(std::span<const std::uint8_t>(bytes), quantisation, target);
  check::equals(target[0], -5.0f);
  check::equals(target[1], 0.0f);
  check::equals(target[2], 122.5f);
}

TEST("agrees with the formula to the last bit, for one quantisation and for one per feature") {
  for (const std::size_t places : {0, 1, 3, 17, 255, 256, 257, 1600}) {
    for (const std::size_t features : {1, 2, 51, 64, 300}) {
      agrees<std::uint8_t>(places, features);
      agrees<std::uint16_t>(places, features);
    }
  }
}
