#include <algorithm>
#include <limits>
#include <random>

#include "decode_rows.h"
#include "hailo_frames.h"

using namespace hailstream;

namespace {

constexpr HailoNmsShape byClass{HailoNmsLayout::byClass, 3, 4};
constexpr HailoNmsShape byScore{HailoNmsLayout::byScore, 3, 4};
constexpr HailoNmsShape byteMask{HailoNmsLayout::byteMask, 3, 4};

void isRefused(const std::vector<std::uint8_t>& frame, const HailoNmsShape& shape, const std::string& part,
               const check::Place place = check::Place::current()) {
  const auto error = check::throws<Error>([&] { readHailoBoxes(frame, shape); }, place);
  check::isTrue(error.code() == ErrorCode::internal, "the code internal", place);
  check::isTrue(std::string(error.what()).find(part) != std::string::npos, part + " in: " + error.what(), place);
}

std::vector<std::uint8_t> someFrame(const HailoNmsShape& shape, const std::vector<PackedBox>& boxes, bool masksLast) {
  switch (shape.layout) {
    case HailoNmsLayout::byClass:
      return packByClass(std::vector(shape.classes, boxes), shape.maxBoxes);
    case HailoNmsLayout::byScore:
      return packByScore(boxes, shape.maxBoxes);
    case HailoNmsLayout::byteMask:
      return masksLast ? packWithMasksLast(boxes, 1000) : packWithMasks(boxes, 1000);
    case HailoNmsLayout::byteMaskWithoutOffset:
      return packWithoutOffsets(boxes, 1000);
  }
  return {};
}

}  // namespace

TEST("walks boxes by class, whose lists are as long as their counts say, into rows best first") {
  const auto frame =
      packByClass({{{0.1f, 0.2f, 0.5f, 0.6f, 0.5f}}, {}, {{0, 0, 1, 1, 0.9f}, {0, 0, 0.5f, 0.5f, 0.7f}}}, 4);
  const auto rows = decodeHailoNms(frame, byClass, optionsOf(100, 200));
  areNear(rows, {0, 0, 100, 200, 0.9f, 2, 0, 0, 50, 100, 0.7f, 2, 20, 20, 60, 100, 0.5f, 0}, 1e-4);
}

TEST("gives boxes in source pixels, clipped, without weak ones and unwanted classes, and no more than asked") {
  const auto frame = packByClass({{{-0.5f, 0, 0.5f, 2, 0.8f}}, {{0, 0, 1, 1, 0.95f}}, {{0, 0, 1, 1, 0.1f}}}, 4);
  auto options = optionsOf(64, 64);
  options.toSource = {2, 0, 10, 0, 2, 20};
  options.sourceWidth = 100;
  options.sourceHeight = 60;
  options.classes = {0, 2};
  areNear(decodeHailoNms(frame, byClass, options), {10, 0, 100, 60, 0.8f, 0}, 1e-4);
  options.maxRows = 0;
  check::equals(decodeHailoNms(frame, byClass, options).size(), 0u);
}

TEST("reads boxes by score, which lie packed in 22 bytes") {
  const auto frame = packByScore({{0, 0, 1, 1, 0.9f, 2}, {0.25f, 0.5f, 0.75f, 1, 0.8f, 1}}, 4);
  areNear(decodeHailoNms(frame, byScore, optionsOf(100, 100)), {0, 0, 100, 100, 0.9f, 2, 50, 25, 100, 75, 0.8f, 1},
          1e-4);
}

TEST("hands on the mask of every row, with its place in the input, also where masks overlap") {
  const PackedBox wide{0, 0, 0.5f, 1, 0.6f, 1, {1, 1, 1, 1, 1, 1, 1, 0}};
  const PackedBox small{0.25f, 0.25f, 0.75f, 0.75f, 0.9f, 0, {1, 0, 1, 1}};
  const auto frame = packWithMasks({wide, small}, 400);
  std::vector<std::uint8_t> memory(12, 77);
  MaskSheet masks(memory);
  const auto rows = decodeHailoMasks(frame, byteMask, optionsOf(4, 4), masks);
  areNear(rows, {1, 1, 3, 3, 0.9f, 0, 1, 1, 2, 2, 0, 0, 4, 2, 0.6f, 1, 0, 0, 4, 2}, 1e-4);
  const std::vector<std::uint8_t> expected = {255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0};
  for (std::size_t i = 0; i < expected.size(); i++) check::equals(int{memory[i]}, int{expected[i]});
  check::equals(masks.bytesUsed(), 12u);
  MaskSheet none;
  areNear(decodeHailoMasks(frame, byteMask, optionsOf(4, 4), none), rows, 0);
  const auto givesTheSame = [&](const std::vector<std::uint8_t>& other, const HailoNmsShape& shape) {
    std::vector<std::uint8_t> same(12, 77);
    MaskSheet others(same);
    areNear(decodeHailoMasks(other, shape, optionsOf(4, 4), others), rows, 0);
    check::isTrue(same == memory, "the same masks");
  };
  givesTheSame(packWithMasksLast({wide, small}, 400), byteMask);
  givesTheSame(packWithoutOffsets({wide, small}, 400), {HailoNmsLayout::byteMaskWithoutOffset, 3, 4});
}

TEST("cuts masks at the edge of the picture, and says when there is no room for all") {
  const auto frame = packWithMasks({{-0.25f, 0.5f, 0.25f, 1.25f, 0.9f, 0, {1, 1, 0, 1, 0, 0}}}, 400);
  std::vector<std::uint8_t> memory(6, 77);
  MaskSheet masks(memory);
  const auto rows = decodeHailoMasks(frame, byteMask, optionsOf(4, 4), masks);
  areNear({rows.begin() + 6, rows.end()}, {2, 0, 2, 2}, 0);
  for (const auto& [index, value] : {std::pair{0, 255}, {1, 255}, {2, 255}, {3, 0}, {4, 77}})
    check::equals(int{memory[static_cast<std::size_t>(index)]}, value);
  MaskSheet narrow({memory.data(), 3});
  const auto error = check::throws<Error>([&] { decodeHailoMasks(frame, byteMask, optionsOf(4, 4), narrow); });
  check::isTrue(error.code() == ErrorCode::tooLarge, "the code too-large");
}

TEST("refuses counts that are none, too high or beyond the frame") {
  isRefused(Packer().add(5.0f).padded(300), byClass, "at most 4 boxes, received 5");
  isRefused(Packer().add(-1.0f).padded(300), byClass, "received -1");
  isRefused(Packer().add(1.5f).padded(300), byClass, "received 1.5");
  isRefused(Packer().add(std::numeric_limits<float>::quiet_NaN()).padded(300), byClass, "received nan");
  isRefused(Packer().add(4.0f).padded(60), byClass, "more bytes of boxes");
  isRefused({}, byClass, "received 0");
  isRefused(Packer().add(std::uint16_t{5}).padded(300), byScore, "at most 4 boxes, received 5");
  isRefused(Packer().add(std::uint16_t{3}).padded(60), byScore, "more bytes of boxes");
  isRefused(packByScore({{0, 0, 1, 1, 0.9f, 3}}, 4), byScore, "a class below 3, received 3");
}

TEST("refuses masks that lie outside of the frame or are not as large as their boxes") {
  const auto frame = packWithMasks({{0, 0, 1, 1, 0.9f, 0, {1, 1, 1}}}, 0);
  MaskSheet masks;
  const auto error = check::throws<Error>([&] { decodeHailoMasks(frame, byteMask, optionsOf(4, 4), masks); });
  check::isTrue(std::string(error.what()).find("as large as its box") != std::string::npos, error.what());
  Packer packer;
  packer.add(std::uint16_t{1}).addBox({0, 0, 1, 1, 0.9f}).add(std::uint16_t{0});
  isRefused(Packer(packer).add(std::uint64_t{2}).add(std::uint64_t{0}).add(~std::uint64_t{0}).padded(100), byteMask,
            "masks within");
  isRefused(Packer(packer).add(~std::uint64_t{0}).add(std::uint64_t{0}).add(std::uint64_t{50}).padded(100), byteMask,
            "masks within");
}

TEST("decodes or refuses whatever a device may send, without a value that is not finite or outside") {
  std::mt19937 numbers(7);
  int decoded = 0;
  for (int round = 0; round < 20'000; round++) {
    const HailoNmsShape shape{static_cast<HailoNmsLayout>(numbers() % 4), 1 + numbers() % 4, 1 + numbers() % 6};
    std::vector<PackedBox> boxes(numbers() % (shape.maxBoxes + 1));
    const auto value = [&] { return static_cast<float>(numbers() % 1201) / 1000 - 0.1f; };
    for (auto& box : boxes)
      box = {value(), value(), value(), value(), value(), static_cast<std::uint16_t>(numbers() % shape.classes)};
    auto frame = someFrame(shape, boxes, numbers() % 2 == 0);
    for (unsigned spoiled = numbers() % 4; spoiled > 0; spoiled--)
      frame[numbers() % frame.size()] = static_cast<std::uint8_t>(numbers());
    if (numbers() % 3 == 0) frame.resize(numbers() % frame.size());
    const auto options = optionsOf(32, 24);
    std::vector<std::uint8_t> memory(4000);
    MaskSheet masks({memory.data(), numbers() % 2 == 0 ? memory.size() : 0});
    const bool withMasks = hasMasks(shape.layout) && numbers() % 2 == 0;
    const std::size_t width = withMasks ? maskRowWidth : 6;
    try {
      const auto rows =
          withMasks ? decodeHailoMasks(frame, shape, options, masks) : decodeHailoNms(frame, shape, options);
      decoded++;
      for (std::size_t i = 0; i < rows.size(); i += width) {
        check::isTrue(rows[i] >= 0 && rows[i] < rows[i + 2] && rows[i + 2] <= 32, "x within the source");
        check::isTrue(rows[i + 1] >= 0 && rows[i + 1] < rows[i + 3] && rows[i + 3] <= 24, "y within the source");
        check::isTrue(rows[i + 4] >= options.minScore, "a score that reaches minScore");
      }
    } catch (const Error& error) {
      check::isTrue(error.code() == ErrorCode::internal, "the code internal");
    }
  }
  check::isTrue(decoded > 1000, "many frames to be sound");
}
