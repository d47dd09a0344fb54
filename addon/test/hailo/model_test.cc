#include "backends/hailo/model.h"

#include <array>

#include "scene.h"

using namespace hailstream;
using hailo::Answer;
using hailo::ModelFacts;

namespace {

std::shared_ptr<Scene> twoPeople() {
  auto scene = std::make_shared<Scene>(1280, 720);
  scene->rectangle(red, 100, 100, 300, 500).rectangle(red, 700, 200, 860, 620);
  return scene;
}

void isBox(const float* row, std::array<double, 4> corners, const check::Place place = check::Place::current()) {
  for (std::size_t i = 0; i < 4; i++) check::isNear(row[i], corners[i], 6, place);
}

/** As many as the model takes, all under way. */
std::vector<Awaited<Answer>> fill(Loaded& loaded) {
  std::vector<Awaited<Answer>> answers(loaded.facts.depth);
  for (auto& answer : answers) loaded.model.infer(asking(twoPeople(), "hailo-nms"), answer.told());
  return answers;
}

}  // namespace

TEST("describes a detector's streams and maps its buffers") {
  const StandinDevice standin;
  const Loaded loaded("yolov8n");
  check::equals(loaded.facts.inputs[0].bytes, 640u * 640 * 3);
  check::equals(loaded.facts.outputs[0].bytes, 160'320u);
  check::equals(std::string(loaded.facts.outputs[0].order), std::string("NMS_BY_CLASS"));
  check::isTrue(loaded.facts.depth >= 1 && loaded.facts.depth <= 4, "a depth of 1 to 4");
  check::equals(loaded.facts.unmapped, 0u);
}

TEST("finds what is in a picture, in its pixels, without a transfer that had to be copied") {
  const StandinDevice standin;
  Loaded loaded("yolov8n");
  const auto answer = loaded.infer(asking(twoPeople(), "hailo-nms"));
  check::equals(answer.rows.size(), 12u);
  const bool leftFirst = answer.rows[0] < 500;
  isBox(&answer.rows[leftFirst ? 0 : 6], {100, 100, 300, 500});
  isBox(&answer.rows[leftFirst ? 6 : 0], {700, 200, 860, 620});
  check::equals(standin.count("bounced"), 0);
  check::equals(standin.count("transientMaps"), 0);
}

TEST("decodes raw heads that come quantised as one and two bytes") {
  const StandinDevice standin;
  Loaded loaded("yolov8s_pose");
  bool bytes = false;
  bool words = false;
  for (const auto& output : loaded.facts.outputs) {
    bytes = bytes || output.type == hailo::TensorType::uint8;
    words = words || output.type == hailo::TensorType::uint16;
  }
  check::isTrue(bytes && words, "outputs of uint8 and uint16");
  const auto answer = loaded.infer(asking(twoPeople(), "yolo-v8-pose-raw"));
  check::equals(answer.rows.size(), 2u * 57);
  const float* left = &answer.rows[answer.rows[0] < 500 ? 0 : 57];
  for (std::size_t i = 0; i < 4; i++) check::isNear(left[i], std::array{100, 100, 300, 500}[i], 12);
  check::isNear(left[6], 200, 12);
  check::isNear(left[7], 140, 12);
}

TEST("gives embeddings as floats and maps as bytes with their quantisation") {
  const StandinDevice standin;
  Loaded face("arcface_mobilefacenet");
  check::equals(face.infer(asking(std::make_shared<Scene>(112, 112), "hailo-tensor")).rows.size(), 512u);
  Loaded depth("scdepthv3");
  std::vector<std::uint8_t> map(320 * 256 * 4);
  auto inference = asking(twoPeople(), "hailo-map");
  inference.question.map = map;
  const auto answer = depth.infer(std::move(inference));
  check::equals(answer.map->width, 320u);
  check::equals(answer.map->height, 256u);
  check::equals(answer.map->bytes, depth.facts.outputs[0].bytes);
  check::isTrue(answer.map->quantisation.scale > 0, "a scale");
}

TEST("takes a picture for each of several inputs, and whole frames for inputs that are none") {
  const StandinDevice standin;
  Loaded stereo("stereonet");
  auto inference = asking(twoPeople(), "hailo-map");
  inference.inputs.push_back(inference.inputs[0]);
  std::vector<std::uint8_t> map(stereo.facts.outputs[0].bytes);
  inference.question.map = map;
  check::equals(stereo.infer(std::move(inference)).map->width, 1232u);
  Loaded text("clip_vit_b_32_text_encoder");
  hailo::Inference whole;
  whole.question.kernel = "hailo-tensor";
  whole.inputs.emplace_back(std::vector<std::uint8_t>(text.facts.inputs[0].bytes, 7));
  check::equals(text.infer(std::move(whole)).rows.size(), 77u * 512);
}

TEST("refuses inputs, kernels and maps that do not fit, and goes on") {
  const StandinDevice standin;
  Loaded loaded("yolov8n");
  const auto refusal = [&](hailo::Inference inference) {
    Awaited<Answer> answer;
    loaded.model.infer(std::move(inference), answer.told());
    return answer.error();
  };
  hasCode(refusal(asking(twoPeople(), "no-such-kernel")), ErrorCode::invalid);
  hasCode(refusal(asking(twoPeople(), "yolo-v8-raw")), ErrorCode::invalid);
  hasCode(refusal(asking(twoPeople(), "hailo-map")), ErrorCode::invalid);
  hailo::Inference none;
  none.question.kernel = "hailo-nms";
  hasCode(refusal(none), ErrorCode::invalid);
  none.inputs.emplace_back(std::vector<std::uint8_t>(5));
  hasCode(refusal(none), ErrorCode::invalid);
  check::equals(loaded.infer(asking(twoPeople(), "hailo-nms")).rows.size(), 12u);
}

TEST("has as many inferences under way as its depth, refuses one more, and answers each once") {
  const StandinDevice standin;
  Loaded loaded("yolov8m");
  standin.control(R"({"control":"hang"})");
  auto answers = fill(loaded);
  hasCode(check::throws<Error>(
              [&] { loaded.model.infer(asking(twoPeople(), "hailo-nms"), [](const Outcome<Answer>&) {}); }),
          ErrorCode::busy);
  standin.control(R"({"control":"resume"})");
  for (auto& answer : answers) check::equals(answer.value().rows.size(), 12u);
  check::equals(loaded.infer(asking(twoPeople(), "hailo-nms")).rows.size(), 12u);
  check::equals(standin.count("jobs"), static_cast<long>(loaded.facts.depth) + 1);
}

TEST("tells the device its priority, and goes on with another") {
  const StandinDevice standin;
  Loaded loaded("yolov8n");
  for (const std::uint8_t priority : {31, 31, 0}) {
    loaded.model.setPriority(priority);
    check::equals(loaded.infer(asking(twoPeople(), "hailo-nms")).rows.size(), 12u);
  }
}

TEST("answers all that is under way when the device is lost, and says that a new process is needed") {
  StandinDevice standin;
  Loaded loaded("yolov8m");
  standin.control(R"({"control":"hang"})");
  auto answers = fill(loaded);
  standin.kill();
  for (auto& answer : answers) saysRecycle(answer.error());
  check::isTrue(loaded.device->mustRecycle(), "mustRecycle");
  Awaited<Answer> next;
  loaded.model.infer(asking(twoPeople(), "hailo-nms"), next.told());
  saysRecycle(next.error());
  loaded.close();
}

TEST("frees the network at close, also with inferences under way, which are told so") {
  const StandinDevice standin;
  Loaded loaded("real_esrgan_x2");
  std::vector<std::uint8_t> map(loaded.facts.outputs[0].bytes);
  std::vector<Awaited<Answer>> answers(loaded.facts.depth);
  for (auto& answer : answers) {
    auto inference = asking(twoPeople(), "hailo-map");
    inference.question.map = map;
    loaded.model.infer(std::move(inference), answer.told());
  }
  loaded.close();
  for (auto& answer : answers) hasCode(answer.error(), ErrorCode::closed);
  check::equals(standin.count("configured"), 0);
  hasCode(check::throws<Error>(
              [&] { loaded.model.infer(asking(twoPeople(), "hailo-nms"), [](const Outcome<Answer>&) {}); }),
          ErrorCode::closed);
  loaded.close();
  check::isTrue(!loaded.device->mustRecycle(), "a device that works");
}

TEST("keeps the buffers for ever when a hung device may still write into them") {
  const StandinDevice standin;
  Loaded loaded("yolov8n");
  standin.control(R"({"control":"hang"})");
  setenv("HAILO_REQUEST_TIMEOUT_SECONDS", "1", 1);
  auto answers = fill(loaded);
  loaded.close();
  unsetenv("HAILO_REQUEST_TIMEOUT_SECONDS");
  for (auto& answer : answers) answer.error();
  check::isTrue(loaded.device->mustRecycle(), "mustRecycle");
}

TEST("may be closed or let go while it loads, and after it could not be loaded") {
  const StandinDevice standin;
  const auto device = openDevice();
  {
    hailo::Model missing(device, {"/no/such/file.hef", "", 4, hailo::OutputTypes::compact}, [](const auto&) {});
  }
  Awaited<ModelFacts> failing;
  hailo::Model missing(device, {"/no/such/file.hef", "", 4, hailo::OutputTypes::compact}, failing.told());
  hasCode(failing.error(), ErrorCode::notFound);
  Awaited<std::monostate> closed;
  missing.close(closed.told());
  closed.value();
  Awaited<ModelFacts> loading;
  Awaited<std::monostate> closing;
  hailo::Model model(device, {hefOf("yolov8n"), "", 4, hailo::OutputTypes::compact}, loading.told());
  model.close(closing.told());
  closing.value();
  check::isTrue(model.waitForEnd(patience), "the thread to end");
  check::equals(standin.count("configured"), 0);
}

TEST("is freed when it is let go, also by who was told that it had loaded") {
  const StandinDevice standin;
  const auto device = openDevice();
  auto model = std::make_shared<std::shared_ptr<hailo::Model>>();
  Awaited<ModelFacts> loading;
  *model = std::make_shared<hailo::Model>(
      device, hailo::NetworkOptions{hefOf("yolov8n"), "", 4, hailo::OutputTypes::compact},
      [model, tell = loading.told()](Outcome<ModelFacts> facts) { tell(std::move(facts)); });
  loading.value();
  model.reset();
  becomesTrue([&] { return standin.count("configured") == 0; }, "the network to be freed");
}

TEST("says that memory is short when a load is refused for it") {
  const StandinDevice standin;
  standin.control(R"({"control":"fail-load","after":0,"status":81})");
  Awaited<ModelFacts> loading;
  const hailo::Model model(openDevice(), {hefOf("yolov8n"), "", 4, hailo::OutputTypes::compact}, loading.told());
  const auto error = loading.error();
  hasCode(error, ErrorCode::unavailable);
  check::equals(std::string(error.driver()->reaction), std::string("evict"));
}

TEST("needs to be loaded anew after the library has refused a run") {
  const StandinDevice standin;
  Loaded loaded("yolov8n");
  standin.control(R"({"control":"fail-run","status":8})");
  std::optional<Error> refused;
  becomesTrue(
      [&] {
        Awaited<Answer> answer;
        loaded.model.infer(asking(twoPeople(), "hailo-nms"), answer.told());
        auto outcome = answer.outcome();
        if (const auto* error = std::get_if<Error>(&outcome)) refused = *error;
        return refused.has_value();
      },
      "a run to be refused");
  hasCode(*refused, ErrorCode::internal);
  Awaited<Answer> next;
  loaded.model.infer(asking(twoPeople(), "hailo-nms"), next.told());
  hasCode(next.error(), ErrorCode::unavailable);
  loaded.close();
  Loaded again("yolov8n");
  check::equals(again.infer(asking(twoPeople(), "hailo-nms")).rows.size(), 12u);
}
