#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/hailo_nms.h"

/** Frames as HailoRT packs them, for tests. */
namespace hailstream {

struct PackedBox {
  float top, left, bottom, right, score;
  std::uint16_t label = 0;
  std::vector<std::uint8_t> mask = {};
};

class Packer {
 public:
  template <typename Value>
  Packer& add(Value value) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof(Value));
    return *this;
  }
  Packer& addBox(const PackedBox& box) {
    return add(box.top).add(box.left).add(box.bottom).add(box.right).add(box.score);
  }
  Packer& add(const std::vector<std::uint8_t>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  /** Zeroes up to the size, as a frame that is not full has. */
  std::vector<std::uint8_t> padded(std::size_t size) const {
    auto frame = bytes_;
    frame.resize(std::max(size, frame.size()));
    return frame;
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

inline std::vector<std::uint8_t> packByClass(const std::vector<std::vector<PackedBox>>& classes, std::size_t most) {
  Packer packer;
  for (const auto& boxes : classes) {
    packer.add(static_cast<float>(boxes.size()));
    for (const auto& box : boxes) packer.addBox(box);
  }
  return packer.padded(classes.size() * (4 + most * 20));
}

inline std::vector<std::uint8_t> packByScore(const std::vector<PackedBox>& boxes, std::size_t most) {
  Packer packer;
  packer.add(static_cast<std::uint16_t>(boxes.size()));
  for (const auto& box : boxes) packer.addBox(box).add(box.label);
  return packer.padded(2 + most * 22);
}

/** Each mask behind its detection, as HailoRT writes them. */
inline std::vector<std::uint8_t> packWithMasks(const std::vector<PackedBox>& boxes, std::size_t size) {
  Packer packer;
  packer.add(static_cast<std::uint16_t>(boxes.size()));
  std::uint64_t offset = 2;
  for (const auto& box : boxes) {
    offset += 46;
    packer.addBox(box).add(box.label).add(std::uint64_t{box.mask.size()}).add(std::uint64_t{0}).add(offset);
    packer.add(box.mask);
    offset += box.mask.size();
  }
  return packer.padded(size);
}

/** The same as HailoRT before 5.2.0 has it. */
inline std::vector<std::uint8_t> packWithoutOffsets(const std::vector<PackedBox>& boxes, std::size_t size) {
  Packer packer;
  packer.add(static_cast<std::uint16_t>(boxes.size()));
  for (const auto& box : boxes)
    packer.addBox(box).add(box.label).add(std::uint64_t{box.mask.size()}).add(~std::uint64_t{0}).add(box.mask);
  return packer.padded(size);
}

/** All masks behind the last detection. */
inline std::vector<std::uint8_t> packWithMasksLast(const std::vector<PackedBox>& boxes, std::size_t size) {
  Packer packer;
  packer.add(static_cast<std::uint16_t>(boxes.size()));
  std::uint64_t offset = 2 + boxes.size() * 46;
  for (const auto& box : boxes) {
    packer.addBox(box).add(box.label).add(std::uint64_t{box.mask.size()}).add(std::uint64_t{0}).add(offset);
    offset += box.mask.size();
  }
  for (const auto& box : boxes) packer.add(box.mask);
  return packer.padded(size);
}

}  // namespace hailstream
