#include "kernels/mask_runs.h"

#include "decode_rows.h"

using namespace hailstream;

namespace {

/** Masks of one row of `box` in source pixels, on a grid as large as the sheet says. */
std::string runsOf(const std::vector<float>& box, const std::vector<std::uint8_t>& shares, const MaskCrop& crop,
                   const DecodeOptions& options, std::size_t cells) {
  std::vector<std::uint8_t> memory(shares.size());
  MaskSheet masks(memory);
  masks.setGrid(cells, cells);
  const auto part = masks.take(crop);
  std::ranges::copy(shares, part.begin());
  std::vector<float> row = box;
  row.insert(row.end(), {0.9f, 0});
  for (const auto value : {crop.x, crop.y, crop.width, crop.height}) row.push_back(static_cast<float>(value));
  return encodeRuns(row, masks, options)[0];
}

/** Runs as text, by the plain rule: five bits a character and a sixth for more. All are below 16 here. */
std::string textOf(const std::vector<int>& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); i++) {
    const int value = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    text.push_back(static_cast<char>(48 + (value & 31)));
  }
  return text;
}

}  // namespace

TEST("a mask of set cells fills its box, column by column") {
  // 4 × 4 pixels, of which x 1 to 3 and y 0 to 2 belong: 4 outside, 2 in, 2 out, 2 in, 6 out.
  const auto runs = runsOf({1, 0, 3, 2}, std::vector<std::uint8_t>(16, 255), {0, 0, 4, 4}, optionsOf(4, 4), 4);
  check::equals(runs, textOf({4, 2, 2, 2, 6}));
}

TEST("a mask of unset cells is one run of pixels outside, and one of all pixels begins with an empty run") {
  const auto options = optionsOf(3, 3);
  check::equals(runsOf({0, 0, 3, 3}, std::vector<std::uint8_t>(9, 127), {0, 0, 3, 3}, options, 3), textOf({9}));
  check::equals(runsOf({0, 0, 3, 3}, std::vector<std::uint8_t>(9, 128), {0, 0, 3, 3}, options, 3), textOf({0, 9}));
}

TEST("between cells the edge lies where the line between their shares passes half") {
  // One cell is four pixels; its middle lies at pixel 2. From 0 at 2 to 255 at 6 the line passes 127.5 at 4.
  const std::vector<std::uint8_t> shares = {0, 0, 255, 255};
  auto options = optionsOf(8, 8);
  check::equals(runsOf({0, 0, 1, 8}, shares, {0, 0, 2, 2}, options, 2), textOf({4, 4}).append("h1"));
  // The same grid under a source twice as large, moved down by four pixels.
  options.toSource = {2, 0, 0, 0, 2, -4};
  options.sourceWidth = 2;
  options.sourceHeight = 8;
  check::equals(runsOf({0, 0, 2, 8}, shares, {0, 0, 2, 2}, options, 2), textOf({4, 4, 4, 4}));
}

TEST("a crop of the grid lies where it was cut out") {
  const auto runs = runsOf({2, 2, 4, 4}, std::vector<std::uint8_t>(4, 200), {2, 2, 2, 2}, optionsOf(4, 4), 4);
  check::equals(runs, textOf({10, 2, 2, 2}));
}

TEST("long runs take several characters, the lowest five bits first") {
  // Of 100 × 100 pixels the first 50 columns: an empty run, 5,000 and 5,000, which is 4, 28 and 8 in groups of five
  // bits.
  const auto runs = runsOf({0, 0, 50, 100}, std::vector<std::uint8_t>(1, 255), {0, 0, 1, 1}, optionsOf(100, 100), 1);
  check::equals(runs, std::string("0Xl4Xl4"));
}

TEST("a fit that turns or mirrors is refused") {
  for (const Affine& turned : {Affine{0, 1, 0, 1, 0, 0}, Affine{-1, 0, 4, 0, 1, 0}}) {
    auto options = optionsOf(4, 4);
    options.toSource = turned;
    const auto error = check::throws<Error>([&] { encodeRuns({}, MaskSheet(), options); });
    check::isTrue(error.code() == ErrorCode::invalid, "the code invalid");
  }
}
