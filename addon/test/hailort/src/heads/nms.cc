#include <algorithm>
#include <cstring>

#include "heads/heads.h"

/** HailoRT's three layouts of what its own non-maximum suppression leaves. */
namespace standin {
namespace {

struct Found {
  hailo_detection_t detection;
  PixelBox box;
  int colour;
};

/** What the network knows and the limits let through, best first. */
std::vector<Found> detect(const Picture& picture, const Output& output) {
  const auto& shape = picture.shape();
  const auto width = static_cast<float>(shape.width);
  const auto height = static_cast<float>(shape.height);
  std::vector<Found> all;
  for (const auto& [colour, box, score, tilted] : findThings(picture)) {
    if (score < output.limits.minScore || colour >= static_cast<int>(output.stream->nms.classes)) continue;
    all.push_back({{box.top / height, box.left / width, box.bottom / height, box.right / width, score,
                    static_cast<std::uint16_t>(colour)},
                   box,
                   colour});
  }
  std::ranges::stable_sort(all, std::greater(), [](const Found& found) { return found.detection.score; });
  return all;
}

/** Appends to an output as far as it has room. */
class Bytes {
 public:
  explicit Bytes(std::span<std::byte> bytes) : bytes_(bytes) { std::memset(bytes.data(), 0, bytes.size()); }

  template <typename T>
  void put(const T& value) {
    std::memcpy(bytes_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
  }
  bool fits(std::size_t count) const { return at_ + count <= bytes_.size(); }
  std::size_t at() const { return at_; }

 private:
  std::span<std::byte> bytes_;
  std::size_t at_ = 0;
};

void writeByClass(const std::vector<Found>& all, const Output& output) {
  Bytes bytes(output.bytes);
  for (std::uint32_t id = 0; id < output.stream->nms.classes; id++) {
    std::vector<hailo_bbox_float32_t> boxes;
    for (const auto& [detection, box, colour] : all) {
      if (detection.class_id == id && boxes.size() < output.limits.maxPerClass)
        boxes.push_back({detection.y_min, detection.x_min, detection.y_max, detection.x_max, detection.score});
    }
    bytes.put(static_cast<float>(boxes.size()));
    for (const auto& box : boxes) bytes.put(box);
  }
}

void writeByScore(const std::vector<Found>& all, const Output& output) {
  Bytes bytes(output.bytes);
  const auto count = std::min<std::size_t>(all.size(), output.limits.maxTotal);
  bytes.put(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; i++) bytes.put(all[i].detection);
}

std::vector<std::uint8_t> maskOf(const Picture& picture, const Found& found) {
  std::vector<std::uint8_t> mask;
  for (auto y = static_cast<std::uint32_t>(found.box.top); y < static_cast<std::uint32_t>(found.box.bottom); y++) {
    for (auto x = static_cast<std::uint32_t>(found.box.left); x < static_cast<std::uint32_t>(found.box.right); x++)
      mask.push_back(colourOf(picture.at(y, x)) == found.colour ? 1 : 0);
  }
  return mask;
}

/** A mask follows its detection at once, as HailoRT writes them; what has no room is left out. */
void writeWithMasks(const Picture& picture, const std::vector<Found>& all, const Output& output) {
  Bytes bytes(output.bytes);
  std::uint16_t count = 0;
  bytes.put(count);
  for (const auto& found : all) {
    const auto mask = maskOf(picture, found);
    if (count == output.limits.maxTotal || !bytes.fits(sizeof(hailo_detection_with_byte_mask_t) + mask.size() + 1))
      break;
    const auto& from = found.detection;
    hailo_detection_with_byte_mask_t detection{};
    detection.box = {from.y_min, from.x_min, from.y_max, from.x_max};
    detection.score = from.score;
    detection.class_id = from.class_id;
    detection.mask_size = mask.size();
    detection.mask_offset = bytes.at() + sizeof detection;
    bytes.put(detection);
    for (const auto value : mask) bytes.put(value);
    count++;
  }
  std::memcpy(output.bytes.data(), &count, sizeof count);
}

}  // namespace

void encodeNms(const Network&, Inputs inputs, Outputs outputs) {
  for (const auto& output : outputs) {
    const auto all = detect(inputs[0], output);
    if (output.format.order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS) {
      writeByClass(all, output);
    } else if (output.format.order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE) {
      writeByScore(all, output);
    } else {
      writeWithMasks(inputs[0], all, output);
    }
  }
}

}  // namespace standin
