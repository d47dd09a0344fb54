#include "kernels/hailo_nms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include "core/error.h"
#include "kernels/nms.h"

namespace hailstream {
namespace {

[[noreturn]] void reject(const std::string& expected, const std::string& received) {
  throw Error(ErrorCode::internal, "Expected from the device " + expected + ", received " + received);
}

/** Reads little-endian values in order; never past the end. */
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename Value>
  Value next() {
    const auto from = take(sizeof(Value));
    Value value;
    std::memcpy(&value, from.data(), sizeof(Value));
    return value;
  }
  void skip(std::size_t size) { take(size); }
  /** Bytes up to the end. */
  std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::uint8_t> take(std::size_t size) {
    if (size > bytes_.size()) reject(std::to_string(size) + " more bytes of boxes", std::to_string(bytes_.size()));
    const auto part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }

  std::span<const std::uint8_t> bytes_;
};

/** The five floats that every layout has. */
HailoBox readBox(Reader& reader) {
  const auto top = reader.next<float>();
  const auto left = reader.next<float>();
  const auto bottom = reader.next<float>();
  const auto right = reader.next<float>();
  return {left, top, right, bottom, reader.next<float>(), 0, {}};
}

std::size_t checkCount(double count, std::size_t most) {
  if (count >= 0 && count <= static_cast<double>(most) && count == std::floor(count))
    return static_cast<std::size_t>(count);
  reject("a whole count of at most " + std::to_string(most) + " boxes", std::to_string(count));
}

std::uint32_t checkLabel(std::uint32_t label, const HailoNmsShape& shape) {
  if (label < shape.classes) return label;
  reject("a class below " + std::to_string(shape.classes), std::to_string(label));
}

std::vector<HailoBox> readByClass(std::span<const std::uint8_t> frame, const HailoNmsShape& shape) {
  Reader reader(frame);
  std::vector<HailoBox> boxes;
  for (std::uint32_t label = 0; label < shape.classes; label++) {
    const auto count = checkCount(reader.next<float>(), shape.maxBoxes);
    for (std::size_t i = 0; i < count; i++) {
      boxes.push_back(readBox(reader));
      boxes.back().label = label;
    }
  }
  return boxes;
}

std::vector<HailoBox> readByScore(std::span<const std::uint8_t> frame, const HailoNmsShape& shape) {
  Reader reader(frame);
  std::vector<HailoBox> boxes;
  const auto count = checkCount(reader.next<std::uint16_t>(), shape.maxBoxes);
  for (std::size_t i = 0; i < count; i++) {
    boxes.push_back(readBox(reader));
    boxes.back().label = checkLabel(reader.next<std::uint16_t>(), shape);
  }
  return boxes;
}

std::span<const std::uint8_t> maskAt(std::span<const std::uint8_t> frame, std::uint64_t offset, std::uint64_t size) {
  if (offset <= frame.size() && size <= frame.size() - offset) return frame.subspan(offset, size);
  reject("masks within " + std::to_string(frame.size()) + " bytes",
         std::to_string(size) + " at " + std::to_string(offset));
}

/** HailoRT writes each mask behind its detection; its header shows the detections one after another. */
std::vector<HailoBox> readWithMasks(std::span<const std::uint8_t> frame, const HailoNmsShape& shape) {
  Reader reader(frame);
  std::vector<HailoBox> boxes;
  const auto count = checkCount(reader.next<std::uint16_t>(), shape.maxBoxes);
  for (std::size_t i = 0; i < count; i++) {
    HailoBox& box = boxes.emplace_back(readBox(reader));
    box.label = checkLabel(reader.next<std::uint16_t>(), shape);
    const auto size = reader.next<std::uint64_t>();
    reader.next<std::uint64_t>();
    const bool hasOffset = shape.layout == HailoNmsLayout::byteMask;
    const std::uint64_t offset = hasOffset ? reader.next<std::uint64_t>() : frame.size() - reader.left();
    box.mask = maskAt(frame, offset, size);
    if (offset == frame.size() - reader.left()) reader.skip(box.mask.size());
  }
  return boxes;
}

/** The box in the network's input pixels. */
Box scale(const HailoBox& box, const DecodeOptions& options) {
  const auto width = static_cast<float>(options.inputWidth);
  const auto height = static_cast<float>(options.inputHeight);
  return {box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height};
}

struct MaskSize {
  std::size_t width, height;
};

/**
 * How wide and high the mask of a box is: the sides of the box rounded up, as the header says, or the difference of its
 * rounded corners, as the library's own code has it for boxes cut by the picture's edge.
 */
std::optional<MaskSize> sizeOf(const Box& box, std::size_t bytes) {
  const auto pixels = [](float side) {
    return static_cast<std::size_t>(std::clamp(side, 0.0f, static_cast<float>(maxSide)));
  };
  const auto sides = [&](float low, float high) {
    const auto whole = pixels(std::ceil(high - low));
    const auto corners = pixels(std::ceil(high) - std::ceil(low));
    return std::array{whole, corners, whole + 1};
  };
  for (const auto width : sides(box.x1, box.x2)) {
    for (const auto height : sides(box.y1, box.y2)) {
      if (width * height == bytes) return MaskSize{width, height};
    }
  }
  return std::nullopt;
}

/** A mask of the device with where it lies: from the box's corner rounded up, as in the library's code, cut at the
 * picture's edge. */
struct PlacedMask {
  MaskCrop crop;
  std::size_t stride;
};

PlacedMask placeMask(const HailoBox& found, const Box& box, const MaskSheet& masks) {
  const auto size = sizeOf(box, found.mask.size());
  if (!size) reject("a mask as large as its box", std::to_string(found.mask.size()) + " bytes");
  const auto left = static_cast<std::size_t>(std::clamp(std::ceil(box.x1), 0.0f, static_cast<float>(masks.width())));
  const auto top = static_cast<std::size_t>(std::clamp(std::ceil(box.y1), 0.0f, static_cast<float>(masks.height())));
  const MaskCrop crop{left, top, std::min(size->width, masks.width() - left),
                      std::min(size->height, masks.height() - top)};
  return {crop, size->width};
}

void copyMask(std::span<const std::uint8_t> mask, const PlacedMask& placed, std::span<std::uint8_t> target) {
  const auto& [crop, stride] = placed;
  for (std::size_t y = 0; y < crop.height; y++) {
    std::ranges::transform(mask.subspan(y * stride, crop.width), target.subspan(y * crop.width).begin(),
                           [](std::uint8_t value) { return value == 0 ? std::uint8_t{0} : std::uint8_t{255}; });
  }
}

std::vector<Detection> findRows(const std::vector<HailoBox>& boxes, const DecodeOptions& options) {
  std::vector<Candidate> candidates;
  for (std::uint32_t i = 0; i < boxes.size(); i++) {
    if (boxes[i].score >= options.minScore) candidates.push_back({boxes[i].score, boxes[i].label, i});
  }
  keepBest(candidates, options);
  std::vector<Detection> detections;
  for (const auto& candidate : candidates) detections.push_back({scale(boxes[candidate.place], options), candidate});
  return placeInSource(detections, options);
}

}  // namespace

std::vector<HailoBox> readHailoBoxes(std::span<const std::uint8_t> frame, const HailoNmsShape& shape) {
  switch (shape.layout) {
    case HailoNmsLayout::byClass:
      return readByClass(frame, shape);
    case HailoNmsLayout::byScore:
      return readByScore(frame, shape);
    case HailoNmsLayout::byteMask:
    case HailoNmsLayout::byteMaskWithoutOffset:
      return readWithMasks(frame, shape);
  }
  return {};
}

std::vector<float> decodeHailoNms(std::span<const std::uint8_t> frame, const HailoNmsShape& shape,
                                  const DecodeOptions& options) {
  return boxRows(findRows(readHailoBoxes(frame, shape), options));
}

std::vector<float> decodeHailoMasks(std::span<const std::uint8_t> frame, const HailoNmsShape& shape,
                                    const DecodeOptions& options, MaskSheet& masks) {
  masks.setGrid(static_cast<std::size_t>(options.inputWidth), static_cast<std::size_t>(options.inputHeight));
  const auto boxes = readHailoBoxes(frame, shape);
  std::vector<float> rows;
  for (const auto& detection : findRows(boxes, options)) {
    const HailoBox& found = boxes[detection.candidate.place];
    const PlacedMask placed = placeMask(found, scale(found, options), masks);
    appendMaskRow(rows, detection, placed.crop);
    if (masks.isWanted()) copyMask(found.mask, placed, masks.take(placed.crop));
  }
  return rows;
}

}  // namespace hailstream
