#include <cstring>

#include "check.h"
#include "device_process.h"
#include "scenes.h"

using namespace hailort;

namespace {

/** Boxes of one class of a BY_CLASS output, walked as it lies. */
std::vector<hailo_bbox_float32_t> boxesOf(const Buffer& bytes, std::uint32_t wanted) {
  std::size_t at = 0;
  for (std::uint32_t id = 0;; id++) {
    float count = 0;
    std::memcpy(&count, bytes.data() + at, sizeof count);
    at += sizeof count;
    if (id == wanted) {
      std::vector<hailo_bbox_float32_t> boxes(static_cast<std::size_t>(count));
      if (!boxes.empty()) std::memcpy(boxes.data(), bytes.data() + at, boxes.size() * sizeof boxes[0]);
      return boxes;
    }
    at += static_cast<std::size_t>(count) * sizeof(hailo_bbox_float32_t);
  }
}

}  // namespace

TEST("gives a rectangle's box by its colour's class, to the pixel") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8m");
  check::equals(runner.outputs[0]->size(), std::size_t{160320});
  Canvas canvas(640, 640);
  canvas.rectangle(0, 101, 50, 203, 301).rectangle(8, 400, 411, 470, 522);
  runner.run(canvas);
  const auto people = boxesOf(*runner.outputs[0], 0);
  check::equals(people.size(), std::size_t{1});
  check::isNear(people[0].x_min * 640, 101, 0.01);
  check::isNear(people[0].y_min * 640, 50, 0.01);
  check::isNear(people[0].x_max * 640, 203, 0.01);
  check::isNear(people[0].y_max * 640, 301, 0.01);
  check::isNear(people[0].score, 0.95, 0.001);
  check::equals(boxesOf(*runner.outputs[0], 8).size(), std::size_t{1});
  check::equals(boxesOf(*runner.outputs[0], 4).size(), std::size_t{0});
}

TEST("gives detections of all classes by score, with a limit") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8n", [](InferModel& model) {
    auto output = model.output().release();
    output.set_format_order(HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE);
    output.set_format_type(HAILO_FORMAT_TYPE_UINT8);
    output.set_nms_max_proposals_total(2);
  });
  check::equals(runner.outputs[0]->size(), std::size_t{2 + 2 * 22});
  Canvas canvas(640, 640);
  canvas.rectangle(3, 40, 40, 120, 120).rectangle(5, 200, 200, 320, 320).rectangle(7, 400, 400, 500, 500);
  canvas.grey(114, 40, 40, 80, 80);
  runner.run(canvas);
  const auto* found = runner.outputs[0]->as_pointer<hailo_detections_t>();
  check::equals(int{found->count}, 2);
  check::equals(int{found->detections[0].class_id}, 5);
  check::equals(int{found->detections[1].class_id}, 7);
}

TEST("puts each mask behind its detection, one byte per pixel of the box") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov5m_seg_with_nms");
  Canvas canvas(640, 640);
  canvas.rectangle(0, 100, 100, 200, 180).grey(114, 140, 100, 200, 140).rectangle(2, 300, 300, 340, 350);
  runner.run(canvas);
  const auto* bytes = runner.outputs[0]->data();
  std::uint16_t count = 0;
  std::memcpy(&count, bytes, sizeof count);
  check::equals(int{count}, 2);
  hailo_detection_with_byte_mask_t first{};
  std::memcpy(static_cast<void*>(&first), bytes + 2, sizeof first);
  check::equals(int{first.class_id}, 2);
  check::equals(std::size_t{first.mask_size}, std::size_t{40 * 50});
  check::equals(std::size_t{first.mask_offset}, 2 + sizeof first);
  hailo_detection_with_byte_mask_t second{};
  std::memcpy(static_cast<void*>(&second), bytes + first.mask_offset + first.mask_size, sizeof second);
  check::equals(int{second.class_id}, 0);
  const auto* mask = bytes + second.mask_offset;
  check::equals(int{mask[0]}, 1);
  check::equals(int{mask[60]}, 0);
  check::equals(int{mask[50 * 100 + 60]}, 1);
}
