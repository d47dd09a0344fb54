#include <algorithm>
#include <limits>

#include "decode_rows.h"

using namespace hailstream;

namespace {

/** A grid of 4 × 8 cells of four pixels. */
constexpr std::size_t rows = 4;
constexpr std::size_t columns = 8;
const DecodeOptions small = optionsOf(32, 16);

OwnedTensor map(std::size_t channels, float fill = 0) {
  return OwnedTensor({1, rows, columns, channels}, fill);
}

float& at(OwnedTensor& tensor, std::size_t y, std::size_t x, std::size_t channel) {
  return tensor.values[(y * columns + x) * tensor.shape[3] + channel];
}

/** Centre, regression, heat, offset, with the person's centre in cell (y 2, x 4), the grid's middle. */
std::vector<OwnedTensor> person() {
  std::vector<OwnedTensor> heads = {map(1, 0.1f), map(34), map(17, 0.01f), map(34)};
  at(heads[0], 2, 4, 0) = 0.9f;
  return heads;
}

}  // namespace

TEST("centernet finds peaks class by class and measures from the corner of the cell") {
  auto heat = map(3);
  auto distances = map(4);
  at(heat, 1, 2, 1) = 0.75f;
  at(heat, 1, 3, 1) = 0.5f;  // beside a higher peak of its class
  at(heat, 1, 3, 2) = 0.5f;  // the same cell may be the peak of another class
  for (std::size_t side = 0; side < 4; side++) at(distances, 1, 2, side) = static_cast<float>(side + 1);
  for (std::size_t side = 0; side < 4; side++) at(distances, 1, 3, side) = 2;
  const std::vector<float> expected = {7, 2, 11, 8, 0.75f, 1, 10, 2, 14, 6, 0.5f, 2};
  areNear(decode("centernet", {heat, distances}, small), expected, 0);
  areNear(decode("centernet", {distances, heat}, small), expected, 0);
}

TEST("centernet gives the same for a map whose other cells are zeroed") {
  auto heat = map(1);
  auto distances = map(4, 3);
  for (std::size_t x = 0; x < columns; x++) at(heat, 2, x, 0) = 0.3f + 0.05f * static_cast<float>(x % 5);
  auto masked = map(1);
  at(masked, 2, 4, 0) = at(heat, 2, 4, 0);
  at(masked, 2, 7, 0) = at(heat, 2, 7, 0);
  const auto received = decode("centernet", {heat, distances}, small);
  check::equals(received.size(), 12u);
  areNear(received, decode("centernet", {masked, distances}, small), 0);
}

TEST("centernet finds peaks in the corners and survives NaN") {
  auto heat = map(2, std::numeric_limits<float>::quiet_NaN());
  auto distances = map(4, 2);
  at(heat, 0, 0, 0) = 0.75f;
  at(heat, 3, 7, 1) = 0.5f;
  areNear(decode("centernet", {heat, distances}, small), {0, 0, 2, 2, 0.75f, 0, 26, 10, 30, 14, 0.5f, 1}, 0);
  at(distances, 0, 0, 3) = std::numeric_limits<float>::quiet_NaN();
  check::equals(decode("centernet", {heat, distances}, small).size(), 6u);
}

TEST("movenet takes the peak near the regressed point and adds its offset") {
  auto heads = person();
  at(heads[1], 2, 4, 0) = -1;    // the nose one row above the centre
  at(heads[1], 2, 4, 1) = 2;     // and two columns right of it
  at(heads[2], 1, 6, 0) = 0.5f;  // there it is warm: 0.5 / 1.8
  at(heads[2], 1, 0, 0) = 0.9f;  // hotter, but six columns away: 0.9 / 7.8
  at(heads[3], 1, 6, 0) = 0.25f;
  at(heads[3], 1, 6, 1) = -0.5f;
  const auto rows = decode("movenet", heads, small);
  check::equals(rows.size(), 51u);
  areNear({rows.begin(), rows.begin() + 3}, {22, 5, 0.5f}, 1e-5);
}

TEST("movenet gives no row below minScore, for no rows wanted, or from values that are not finite") {
  auto options = small;
  options.minScore = 0.02f;
  check::equals(decode("movenet", person(), options).size(), 0u);
  options.minScore = 0;
  check::equals(decode("movenet", person(), options).size(), 51u);
  options.maxRows = 0;
  check::equals(decode("movenet", person(), options).size(), 0u);
  options.maxRows = 1;
  for (std::size_t part = 0; part < 4; part++) {
    auto heads = person();
    std::ranges::fill(heads[part].values, std::numeric_limits<float>::quiet_NaN());
    check::equals(decode("movenet", heads, options).size(), 0u);
  }
}

TEST("the heat kernels say what they expected and what came") {
  refuses("centernet", {map(3)}, small, "received [1 × 4 × 8 × 3]");
  refuses("centernet", {map(3), map(5)}, small, "distances [1 × h × w × 4]");
  refuses("centernet", {map(0), map(4)}, small, "received [1 × 4 × 8 × 0]");
  refuses("centernet", {map(3), OwnedTensor({1, 8, 4, 4})}, small, "[1 × 8 × 4 × 4]");
  refuses("movenet", {map(1), map(34), map(17)}, small, "four tensors");
  refuses("movenet", {map(1), map(34), map(17), map(33)}, small, "[1 × 4 × 8 × 33]");
  refuses("movenet", {map(1), map(34), map(34), map(34)}, small, "offset");
}

TEST("an unknown kernel is refused with the names of those that are there") {
  const auto error = check::throws<Error>([] { findKernel("yolo"); });
  check::isTrue(error.code() == ErrorCode::invalid, "the code invalid");
  for (const auto& kernel : kernels()) {
    check::isTrue(std::string(error.what()).find(kernel.name) != std::string::npos, std::string(kernel.name));
  }
  check::equals(kernels().size(), 18u);
}
