#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "check.h"
#include "device_process.h"
#include "scenes.h"

using namespace hailort;

namespace {

float sigmoid(float value) {
  return 1 / (1 + std::exp(-value));
}

/** One tensor read as [height × width × features]. */
struct Tensor {
  std::vector<float> values;
  hailo_3d_image_shape_t shape;

  Tensor(const Runner& runner, std::size_t index)
      : values(runner.values(index)), shape(runner.model->outputs()[index].shape()) {}
  float at(std::size_t y, std::size_t x, std::size_t feature) const {
    return values[(y * shape.width + x) * shape.features + feature];
  }
};

struct Peak {
  std::size_t y;
  std::size_t x;
  std::size_t feature;
  float value;
};

/** The highest value among the features from `first` on. */
Peak peakOf(const Tensor& tensor, std::size_t first = 0, std::size_t count = 100000) {
  Peak best{0, 0, 0, -1e9f};
  const std::size_t last = std::min<std::size_t>(tensor.shape.features, first + count);
  for (std::size_t y = 0; y < tensor.shape.height; y++) {
    for (std::size_t x = 0; x < tensor.shape.width; x++) {
      for (std::size_t feature = first; feature < last; feature++) {
        const float value = tensor.at(y, x, feature);
        if (value > best.value) best = {y, x, feature, value};
      }
    }
  }
  return best;
}

/** Expectation of a side's distribution over its 16 bins. */
float distance(const Tensor& boxes, const Peak& peak, std::size_t side) {
  float sum = 0;
  float weighted = 0;
  for (std::size_t bin = 0; bin < 16; bin++) {
    const float weight = std::exp(boxes.at(peak.y, peak.x, side * 16 + bin));
    sum += weight;
    weighted += weight * static_cast<float>(bin);
  }
  return weighted / sum;
}

std::array<float, 4> dflBox(const Tensor& boxes, const Peak& peak, float stride) {
  const float x = static_cast<float>(peak.x) + 0.5f;
  const float y = static_cast<float>(peak.y) + 0.5f;
  return {(x - distance(boxes, peak, 0)) * stride, (y - distance(boxes, peak, 1)) * stride,
          (x + distance(boxes, peak, 2)) * stride, (y + distance(boxes, peak, 3)) * stride};
}

void isBox(const std::array<float, 4>& box, const std::array<float, 4>& expected, double tolerance) {
  for (std::size_t i = 0; i < 4; i++) check::isNear(box[i], expected[i], tolerance);
}

}  // namespace

TEST("gives a person's pose in the stride that fits, boxes and joints to a fraction of a cell") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8s_pose");
  check::equals(runner.outputs.size(), std::size_t{9});
  Canvas canvas(640, 640);
  canvas.rectangle(0, 200, 150, 280, 310).rectangle(4, 400, 400, 480, 480);
  runner.run(canvas);
  const Tensor scores(runner, 4);
  const Peak peak = peakOf(scores);
  check::isNear(peak.value, 0.95, 0.01);
  isBox(dflBox(Tensor(runner, 3), peak, 16), {200, 150, 280, 310}, 0.7);
  const Tensor joints(runner, 5);
  check::isNear((joints.at(peak.y, peak.x, 0) * 2 + static_cast<float>(peak.x)) * 16, 240, 0.1);
  check::isNear((joints.at(peak.y, peak.x, 1) * 2 + static_cast<float>(peak.y)) * 16, 150 + 0.1 * 160, 0.1);
  check::isTrue(sigmoid(joints.at(peak.y, peak.x, 2)) > 0.9, "a sure joint");
  check::isTrue(peakOf(Tensor(runner, 1)).value < 0.01 && peakOf(Tensor(runner, 7)).value < 0.01, "one stride only");
}

TEST("gives the same raw head as floats, and 8-bit tensors widened to 16 bits") {
  const DeviceProcess process;
  const auto device = openShared();
  const auto run = [&](hailo_format_type_t type) {
    Runner runner(*device, "yolov8s_pose", [type](InferModel& model) {
      for (auto output : model.outputs()) output.set_format_type(type);
    });
    Canvas canvas(640, 640);
    canvas.rectangle(0, 200, 150, 280, 310);
    runner.run(canvas);
    return std::pair(runner.values(3), runner.outputs[3]->size());
  };
  const auto [floats, floatBytes] = run(HAILO_FORMAT_TYPE_FLOAT32);
  const auto [shorts, shortBytes] = run(HAILO_FORMAT_TYPE_UINT16);
  check::equals(floatBytes, 2 * shortBytes);
  for (std::size_t i = 0; i < floats.size(); i += 97) check::isNear(floats[i], shorts[i], 1e-5);
}

TEST("gives masks by prototypes and coefficients in the heads of YOLOv8") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8s_seg");
  check::equals(runner.outputs.size(), std::size_t{10});
  Canvas canvas(640, 640);
  canvas.rectangle(4, 40, 60, 100, 140);
  runner.run(canvas);
  const Peak peak = peakOf(Tensor(runner, 1));
  check::equals(peak.feature, std::size_t{4});
  isBox(dflBox(Tensor(runner, 0), peak, 8), {40, 60, 100, 140}, 0.4);
  const Tensor coefficients(runner, 2);
  const Tensor prototypes(runner, 9);
  const auto mask = [&](std::size_t y, std::size_t x) {
    float sum = 0;
    for (std::size_t i = 0; i < 32; i++) sum += coefficients.at(peak.y, peak.x, i) * prototypes.at(y, x, i);
    return sigmoid(sum);
  };
  check::isTrue(mask(20, 15) > 0.99, "a pixel of the thing");
  check::isTrue(mask(20, 30) < 0.01, "a pixel beside it");
}

TEST("gives boxes by anchors and masks in the heads of YOLOv5") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov5m_seg");
  check::equals(runner.outputs.size(), std::size_t{4});
  Canvas canvas(640, 640);
  canvas.rectangle(2, 100, 100, 160, 220);
  runner.run(canvas);
  // 60 × 120 pixels fit the third anchor of stride 16: 59 × 119.
  const Tensor head(runner, 1);
  const Peak peak = peakOf(head, 2 * 117 + 4, 1);
  check::isTrue(sigmoid(peak.value) > 0.99, "objectness");
  const auto value = [&](std::size_t feature) { return sigmoid(head.at(peak.y, peak.x, 2 * 117 + feature)); };
  const float x = (value(0) * 2 - 0.5f + static_cast<float>(peak.x)) * 16;
  const float y = (value(1) * 2 - 0.5f + static_cast<float>(peak.y)) * 16;
  check::isNear(x, 130, 0.5);
  check::isNear(y, 160, 0.5);
  check::isNear(std::pow(value(2) * 2, 2) * 59, 60, 2);
  check::isNear(std::pow(value(3) * 2, 2) * 119, 120, 3);
  check::isNear(value(5 + 2), 0.95, 0.01);
  check::isTrue(value(5) < 0.01, "no other class");
  check::isNear(Tensor(runner, 3).at(30, 30, 2), 1, 0.02);
}

TEST("gives faces with landmarks, twice by two anchors") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "scrfd_10g");
  Canvas canvas(640, 640);
  canvas.rectangle(2, 300, 200, 400, 320).rectangle(0, 20, 20, 120, 120);
  runner.run(canvas);
  const Tensor scores(runner, 3);
  const Peak peak = peakOf(scores);
  check::isNear(peak.value, 0.95, 0.01);
  check::isNear(scores.at(peak.y, peak.x, 1), 0.855, 0.01);
  const Tensor boxes(runner, 4);
  const float x = static_cast<float>(peak.x) * 16;
  const float y = static_cast<float>(peak.y) * 16;
  isBox({x - boxes.at(peak.y, peak.x, 0) * 16, y - boxes.at(peak.y, peak.x, 1) * 16,
         x + boxes.at(peak.y, peak.x, 2) * 16, y + boxes.at(peak.y, peak.x, 3) * 16},
        {300, 200, 400, 320}, 0.6);
  const Tensor points(runner, 5);
  check::isNear(x + points.at(peak.y, peak.x, 4) * 16, 350, 1);
  check::isNear(y + points.at(peak.y, peak.x, 5) * 16, 200 + 0.55 * 120, 1);
}

TEST("gives a tilted box with its angle") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov11s_obb");
  Canvas canvas(640, 640);
  constexpr double angle = 0.5;
  for (std::uint32_t y = 200; y < 440; y++) {
    for (std::uint32_t x = 200; x < 440; x++) {
      const double along = (x + 0.5 - 320) * std::cos(angle) + (y + 0.5 - 320) * std::sin(angle);
      const double across = (y + 0.5 - 320) * std::cos(angle) - (x + 0.5 - 320) * std::sin(angle);
      if (std::abs(along) < 90 && std::abs(across) < 30) canvas.pixel(6, x, y);
    }
  }
  runner.run(canvas);
  const Peak peak = peakOf(Tensor(runner, 4));
  check::equals(peak.feature, std::size_t{6});
  const Tensor boxes(runner, 3);
  const float found = (sigmoid(Tensor(runner, 5).at(peak.y, peak.x, 0)) - 0.25f) * std::numbers::pi_v<float>;
  check::isNear(found, angle, 0.03);
  check::isNear((distance(boxes, peak, 0) + distance(boxes, peak, 2)) * 16, 180, 4);
  check::isNear((distance(boxes, peak, 1) + distance(boxes, peak, 3)) * 16, 60, 4);
}

TEST("gives depth by brightness, disparity by both pictures and classes by colour") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner depth(*device, "scdepthv3");
  Canvas view(256, 320);
  view.grey(204, 0, 0, 160, 256).grey(51, 160, 0, 320, 256);
  depth.run(view);
  const Tensor map(depth, 0);
  check::isNear(sigmoid(map.at(100, 50, 0)), 0.8, 0.01);
  check::isNear(sigmoid(map.at(100, 300, 0)), 0.2, 0.01);
  Runner stereo(*device, "stereonet");
  Canvas left(368, 1232);
  Canvas right(368, 1232);
  left.grey(255, 0, 0, 1232, 368);
  right.grey(0, 0, 0, 1232, 368);
  stereo.run(std::vector{left.view(), right.view()});
  check::isNear(Tensor(stereo, 0).at(10, 10, 0), 96, 1);
  Runner semantic(*device, "deeplab_v3_mobilenet_v2_wo_dilation");
  Canvas scene(513, 513);
  scene.rectangle(7, 100, 100, 200, 200);
  semantic.run(scene);
  check::equals(Tensor(semantic, 0).at(150, 150, 0), 8.0f);
  check::equals(Tensor(semantic, 0).at(10, 10, 0), 0.0f);
}

TEST("gives text: a map of where it is, and a class per step of the reader") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner finder(*device, "ocr_det");
  Canvas page(544, 960);
  page.rectangle(8, 300, 200, 500, 240);
  finder.run(page);
  check::isNear(Tensor(finder, 0).at(220, 400, 0), 1, 0.01);
  check::isNear(Tensor(finder, 0).at(100, 400, 0), 0, 0.01);
  Runner reader(*device, "ocr");
  Canvas line(48, 320);
  line.rectangle(3, 0, 0, 40, 48).rectangle(7, 80, 0, 120, 48);
  reader.run(line);
  const Tensor steps(reader, 0);
  const auto best = [&](std::size_t step) {
    std::size_t found = 0;
    for (std::size_t i = 1; i < steps.shape.features; i++)
      found = steps.at(0, step, i) > steps.at(0, step, found) ? i : found;
    return found;
  };
  check::equals(best(2), std::size_t{4});
  check::equals(best(7), std::size_t{0});
  check::equals(best(12), std::size_t{8});
}

TEST("gives embeddings that tell pictures apart, and the share of each colour as classes") {
  const DeviceProcess process;
  const auto device = openShared();
  const auto embed = [&](int colour) {
    Runner runner(*device, "arcface_mobilefacenet");
    Canvas face(112, 112);
    face.rectangle(2, 0, 0, 112, 112).rectangle(colour, 30, 30, 80, 80);
    runner.run(face);
    return runner.values(0);
  };
  const auto cosine = [](const std::vector<float>& a, const std::vector<float>& b) {
    float ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return ab / std::sqrt(aa * bb);
  };
  const auto first = embed(0);
  check::equals(first.size(), std::size_t{512});
  check::isNear(cosine(first, embed(0)), 1, 1e-4);
  check::isTrue(cosine(first, embed(8)) < 0.8, "another face is further away");
  Runner classes(*device, "resnet_v1_18");
  Canvas picture(224, 224);
  picture.rectangle(5, 0, 0, 112, 224);
  classes.run(picture);
  check::isNear(classes.values(0)[5], 0.5, 0.01);
  check::isNear(classes.values(0)[999], 0.5, 0.01);
}

TEST("gives lanes on the anchors of rows and columns, and a picture twice as large") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner lanes(*device, "ufld_v2_tu");
  Canvas road(320, 800);
  road.rectangle(1, 396, 0, 404, 320);
  lanes.run(road);
  const auto values = lanes.values(0);
  check::equals(values.size(), std::size_t{39576});
  constexpr std::size_t rows = 56, count = 4, lane = 1, line = 30;
  std::size_t best = 0;
  const auto location = [&](std::size_t cell) { return values[(cell * rows + line) * count + lane]; };
  for (std::size_t cell = 1; cell < 100; cell++) best = location(cell) > location(best) ? cell : best;
  check::isNear(static_cast<double>(best) / 99, 0.5, 0.01);
  const std::size_t exists = 100 * 56 * 4 + 100 * 41 * 4;
  check::isTrue(values[exists + (rows + line) * count + lane] > values[exists + line * count + lane],
                "lane 1 is there");
  check::isTrue(values[exists + (rows + line) * count] < values[exists + line * count], "lane 0 is not");
  Runner larger(*device, "real_esrgan_x2");
  Canvas small(512, 512);
  small.rectangle(0, 100, 100, 101, 101);
  larger.run(small);
  const Tensor picture(larger, 0);
  for (const auto& [y, x] : {std::pair{200, 200}, {201, 201}}) check::equals(picture.at(y, x, 0), 255.0f);
  check::equals(picture.at(202, 202, 0), 114.0f);
}

TEST("runs every vision network of the table at its own shapes") {
  const DeviceProcess process({"--memory-mib", "65536"});
  const auto device = openShared();
  std::size_t count = 0;
  for (const auto& network : standinNetworks()) {
    Runner runner(*device, network);
    std::vector<BufferPtr> inputs;
    std::vector<MemoryView> views;
    for (const auto& input : runner.model->inputs()) {
      inputs.push_back(
          Buffer::create_shared(input.get_frame_size(), std::uint8_t{90}, BufferStorageParams::create_dma()).release());
      views.emplace_back(*inputs.back());
    }
    runner.run(views);
    count++;
  }
  check::isTrue(count >= 40, "the whole catalogue");
}
