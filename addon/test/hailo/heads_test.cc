#include <array>
#include <cmath>

#include "scene.h"

/** The raw heads of the catalogue's networks, from pictures whose answer is known; README.md of the stand-in tells it.
 */
using namespace hailstream;
using hailo::Answer;

namespace {

constexpr std::size_t maskRow = 10;

/** The input's own size, so that the network's pixels are the picture's. */
std::shared_ptr<Scene> square() {
  return std::make_shared<Scene>(640, 640);
}

/** A green rectangle and a cyan triangle whose boxes overlap; only the rectangle fills its box. */
std::shared_ptr<Scene> twoThings() {
  auto scene = square();
  for (std::size_t y = 200; y < 400; y++) {
    for (std::size_t x = 200; x < 200 + (y - 200); x++) scene->pixel(cyan, x, y);
  }
  scene->rectangle(green, 320, 180, 420, 300);
  return scene;
}

void isNear(const float* row, const std::vector<double>& expected, double tolerance,
            const check::Place place = check::Place::current()) {
  for (std::size_t i = 0; i < expected.size(); i++) check::isNear(row[i], expected[i], tolerance, place);
}

/** The row of a class, and the mask that it names. */
struct Segment {
  const float* row = nullptr;
  const std::uint8_t* mask = nullptr;
};

Segment segmentOf(const Answer& answer, const std::vector<std::uint8_t>& map, float label) {
  Segment found;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < answer.rows.size(); i += maskRow) {
    const float* row = &answer.rows[i];
    if (row[5] == label) found = {row, &map[offset]};
    offset += static_cast<std::size_t>(row[8] * row[9]);
  }
  check::equals(offset, answer.map->bytes);
  check::isTrue(found.row != nullptr, "a row of the class");
  return found;
}

/** Share of the mask's cells, inside of its crop, that agree with `set(x, y)`, in pixels of the input. */
template <typename Set>
double agreement(const Segment& segment, const hailo::Map& map, Set set) {
  const auto width = static_cast<std::size_t>(segment.row[8]);
  const auto height = static_cast<std::size_t>(segment.row[9]);
  const float size = 640.0f / static_cast<float>(map.width);
  std::size_t agreed = 0;
  for (std::size_t i = 0; i < width * height; i++) {
    const float x = (segment.row[6] + static_cast<float>(i % width) + 0.5f) * size;
    const float y = (segment.row[7] + static_cast<float>(i / width) + 0.5f) * size;
    if ((segment.mask[i] >= 128) == set(x, y)) agreed++;
  }
  return static_cast<double>(agreed) / static_cast<double>(width * height);
}

/** Asks a network about two things whose boxes overlap, and checks that each has its box and its own mask. */
void tellsThingsApart(const char* network, const char* kernel, bool activated) {
  Loaded loaded(network);
  std::vector<std::uint8_t> memory(1'000'000);
  auto inference = asking(twoThings(), kernel);
  inference.question.options.activated = activated;
  inference.question.map = memory;
  const Answer answer = loaded.infer(std::move(inference));
  check::equals(answer.rows.size(), 2 * maskRow);
  check::equals(int{answer.map->type == hailo::TensorType::uint8}, 1);
  const auto green = segmentOf(answer, memory, 4);
  isNear(green.row, {320, 180, 420, 300}, 8);
  const auto isGreen = [](float x, float y) { return x >= 320 && x < 420 && y >= 180 && y < 300; };
  check::isTrue(agreement(green, *answer.map, isGreen) > 0.95, "the rectangle's mask");
  const auto cyan = segmentOf(answer, memory, 6);
  isNear(cyan.row, {200, 200, 400, 400}, 8);
  const auto isCyan = [&](float x, float y) { return x >= 200 && x - 200 < y - 200 && y < 400 && !isGreen(x, y); };
  check::isTrue(agreement(cyan, *answer.map, isCyan) > 0.95, "the triangle's mask");
}

}  // namespace

TEST("masks of YOLOv8's raw heads are told apart where their boxes overlap") {
  const StandinDevice standin;
  tellsThingsApart("yolov8s_seg", "yolo-v8-segment-raw", true);
}

TEST("masks of YOLOv5's raw heads are told apart where their boxes overlap") {
  const StandinDevice standin;
  tellsThingsApart("yolov5m_seg", "yolo-v5-segment-raw", false);
}

TEST("masks that the device itself has worked out come in the same form, on the grid of its input") {
  const StandinDevice standin;
  tellsThingsApart("yolov5m_seg_with_nms", "hailo-masks", true);
}

TEST("rows with masks come without a slot too, and a slot is refused where there is nothing to put in") {
  const StandinDevice standin;
  Loaded loaded("yolov8s_seg");
  const Answer answer = loaded.infer(asking(twoThings(), "yolo-v8-segment-raw"));
  check::equals(answer.rows.size(), 2 * maskRow);
  check::isTrue(!answer.map.has_value(), "no map");
  std::vector<std::uint8_t> memory(1000);
  const auto refusal = [&](const char* kernel) {
    auto inference = asking(twoThings(), kernel);
    inference.question.map = memory;
    Awaited<Answer> refused;
    loaded.model.infer(std::move(inference), refused.told());
    return refused.error();
  };
  hasCode(refusal("yolo-v8-raw"), ErrorCode::invalid);
  hasCode(refusal("hailo-masks"), ErrorCode::invalid);
  hasCode(refusal("yolo-v8-segment-raw"), ErrorCode::tooLarge);
}

TEST("SCRFD's raw heads give one face with its five points, and nothing for what is no face") {
  const StandinDevice standin;
  Loaded loaded("scrfd_10g");
  auto scene = square();
  scene->rectangle(yellow, 300, 200, 400, 320).rectangle(red, 20, 20, 120, 120);
  const Answer answer = loaded.infer(asking(scene, "scrfd"));
  check::equals(answer.rows.size(), 16u);
  isNear(answer.rows.data(), {300, 200, 400, 320}, 2);
  check::isNear(answer.rows[4], 0.95, 0.02);
  isNear(&answer.rows[6], {330, 242, 370, 242, 350, 266, 335, 290, 365, 290}, 2);
}

TEST("the raw heads of oriented boxes give the sides and the angle of a tilted thing, once") {
  const StandinDevice standin;
  Loaded loaded("yolov11s_obb");
  for (const float angle : {0.5f, -0.5f, 1.2f}) {
    auto scene = square();
    for (std::size_t y = 200; y < 440; y++) {
      for (std::size_t x = 200; x < 440; x++) {
        const float dx = static_cast<float>(x) - 319.5f;
        const float dy = static_cast<float>(y) - 319.5f;
        const float along = dx * std::cos(angle) + dy * std::sin(angle);
        const float across = dy * std::cos(angle) - dx * std::sin(angle);
        if (std::abs(along) < 90 && std::abs(across) < 30) scene->pixel(cyan, x, y);
      }
    }
    const Answer answer = loaded.infer(asking(scene, "yolo-v8-obb-raw"));
    check::equals(answer.rows.size(), 7u);
    isNear(answer.rows.data(), {320, 320, 180, 60}, 5);
    check::isNear(answer.rows[4], angle, 0.04);
    check::equals(answer.rows[6], 6.0f);
  }
}
