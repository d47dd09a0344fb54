#include <atomic>
#include <cmath>
#include <csignal>
#include <numbers>

#include "check.h"
#include "device_process.h"
#include "probe_process.h"
#include "scenes.h"

using namespace hailort;
using namespace std::chrono_literals;
using Status = genai::LLMGeneratorCompletion::Status;

namespace {

const std::string languageModel = "Qwen2.5-1.5B-Instruct";

std::string user(const std::string& text) {
  return R"({"role":"user","content":")" + text + R"("})";
}

genai::LLM openModel(const std::shared_ptr<VDevice>& device) {
  auto llm = genai::LLM::create(device, genai::LLMParams(hefOf(languageModel)));
  require(llm.status(), "LLM::create");
  return llm.release();
}

std::vector<float> tone(float seconds, float level) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * 16000));
  for (std::size_t i = 0; i < samples.size(); i++)
    samples[i] = level * std::sin(2 * std::numbers::pi_v<float> * 440 * static_cast<float>(i) / 16000);
  return samples;
}

}  // namespace

TEST("answers in tokens, marked as a stand-in, and counts them in its context") {
  const DeviceProcess process;
  auto llm = openModel(openShared());
  check::equals(llm.max_context_capacity().value(), std::size_t{2048});
  auto completion = llm.generate({user("what is this")});
  require(completion.status(), "generate");
  std::string text;
  int tokens = 0;
  while (completion->generation_status() == Status::GENERATING) {
    text += completion->read(20s).value();
    tokens++;
  }
  check::equals(text, std::string("[stand-in] You asked: what is this"));
  check::isTrue(completion->generation_status() == Status::LOGICAL_END_OF_GENERATION, "it ended by itself");
  check::equals(completion->read(1s).status(), HAILO_INVALID_OPERATION);
  check::equals(process.state()["tokens"].integer(), std::int64_t{tokens});
  check::isTrue(llm.get_context_usage_size().value() > static_cast<std::size_t>(tokens), "the prompt counts too");
}

TEST("stops at the limit of tokens, and at a stop token") {
  const DeviceProcess process;
  auto llm = openModel(openShared());
  auto params = llm.create_generator_params().release();
  params.set_max_generated_tokens(4);
  auto limited = llm.generate(params, {user("count to 50")});
  check::equals(limited->read_all(20s).value(), std::string("[stand-in] 1 2 3"));
  check::isTrue(limited->generation_status() == Status::MAX_TOKENS_REACHED, "the limit");
  check::equals(llm.set_stop_tokens({"5"}), HAILO_SUCCESS);
  check::equals(llm.get_stop_tokens().value()[0], std::string("5"));
  auto stopped = llm.generate({user("count to 50")});
  check::equals(stopped->read_all(20s).value(), std::string("[stand-in] 1 2 3 4 5"));
}

TEST("ends an aborted generation with the recovery sequence, and frees the slot at once") {
  const DeviceProcess process;
  auto llm = openModel(openShared());
  auto completion = llm.generate({user("count to 1000")});
  check::equals(completion->read(20s).value(), std::string("[stand-in]"));
  check::equals(completion->abort(), HAILO_SUCCESS);
  std::string text;
  while (completion->generation_status() == Status::GENERATING) text += completion->read(20s).value();
  check::isTrue(completion->generation_status() == Status::ABORTED, "aborted");
  check::isTrue(text.ends_with("<|im_end|>"), "the recovery sequence");
  auto next = llm.generate({user("count to 2")});
  check::equals(next->read_all(20s).value(), std::string("[stand-in] 1 2"));
}

TEST("refuses parameters out of range, a second generation, and a system message too late") {
  const DeviceProcess process;
  auto llm = openModel(openShared());
  auto params = llm.create_generator_params().release();
  params.set_temperature(0);
  check::equals(llm.create_generator(params).status(), HAILO_INVALID_ARGUMENT);
  auto completion = llm.generate({R"({"role":"system","content":"be brief"})", user("count to 400")});
  require(completion.status(), "generate");
  check::equals(llm.generate({user("more")}).status(), HAILO_INVALID_OPERATION);
  check::equals(llm.clear_context(), HAILO_INVALID_OPERATION);
  completion->abort();
  while (completion->generation_status() == Status::GENERATING) completion->read(20s);
  check::equals(llm.generate({R"({"role":"system","content":"be long"})"}).status(), HAILO_INVALID_OPERATION);
  check::equals(llm.clear_context(), HAILO_SUCCESS);
  check::equals(llm.get_context_usage_size().value(), std::size_t{0});
}

TEST("saves and loads its context, and calls a tool that it was offered") {
  const DeviceProcess process;
  auto llm = openModel(openShared());
  llm.generate({user("hello")})->read_all(20s);
  const auto used = llm.get_context_usage_size().value();
  const BufferPtr saved = llm.save_context().release();
  check::equals(llm.clear_context(), HAILO_SUCCESS);
  check::equals(llm.load_context(MemoryView(saved)), HAILO_SUCCESS);
  check::equals(llm.get_context_usage_size().value(), used);
  check::equals(llm.load_context(MemoryView(std::string("no context"))), HAILO_INVALID_ARGUMENT);
  check::equals(llm.tokenize("a b c").value().size(), std::size_t{3});
  llm.clear_context();
  auto call = llm.generate({user("please run set_light now")},
                           {R"({"type":"function","function":{"name":"set_light","parameters":{}}})"});
  check::isTrue(call->read_all(20s).value().find(R"("name":"set_light")") != std::string::npos, "a tool call");
}

TEST("names the colours of a frame, and takes frames of a wrong size") {
  const DeviceProcess process;
  auto vlm = genai::VLM::create(openShared(), genai::VLMParams(hefOf("Qwen2-VL-2B-Instruct"))).release();
  check::equals(vlm.input_frame_size(), 336u * 336 * 3);
  Canvas frame(336, 336);
  frame.rectangle(0, 20, 20, 120, 120).rectangle(8, 200, 200, 300, 300);
  const std::string question = R"({"role":"user","content":[{"type":"image"},{"type":"text","text":"what is it?"}]})";
  auto completion = vlm.generate({question}, {frame.view()});
  check::equals(completion->read_all(20s).value(), std::string("[stand-in] The picture shows red and blue."));
  check::equals(vlm.generate({question}, {}).status(), HAILO_INVALID_ARGUMENT);
  std::vector<std::uint8_t> tiny(10);
  auto blind = vlm.generate({question}, {MemoryView(tiny.data(), tiny.size())});
  check::equals(blind->read_all(20s).value(), std::string("[stand-in] The picture shows nothing coloured."));
}

TEST("says what it heard, window by window, whatever timeout it was given") {
  const DeviceProcess process;
  const auto device = openShared();
  auto whisper = genai::Speech2Text::create(device, genai::Speech2TextParams(hefOf("Whisper-Base"))).release();
  auto sound = tone(12, 0.5f);
  const MemoryView view(sound.data(), sound.size() * sizeof(float));
  const auto segments = whisper.generate_all_segments(view, 0ms).release();
  check::equals(segments.size(), std::size_t{2});
  check::equals(segments[0].text, std::string(" [stand-in] transcribed 10.0 s of sound at -9 dB, language auto"));
  check::isNear(segments[1].end_sec, 12, 0.01);
  auto quiet = tone(1, 0);
  check::equals(whisper.generate_all_text(MemoryView(quiet.data(), quiet.size() * sizeof(float))).value(),
                std::string(" [stand-in] silence"));
  auto params = whisper.create_generator_params().release();
  params.set_repetition_penalty(0);
  check::equals(whisper.generate_all_text(view, params).status(), HAILO_INVALID_ARGUMENT);
}

TEST("tells a generative HEF of another kind, and a device without scheduler") {
  const DeviceProcess process;
  const auto device = openShared();
  check::equals(genai::LLM::create(device, genai::LLMParams(hefOf("Whisper-Base"))).status(), HAILO_HEF_NOT_SUPPORTED);
  check::equals(device->create_infer_model(hefOf(languageModel)).status(), HAILO_HEF_NOT_SUPPORTED);
  auto params = HailoRTDefaults::get_vdevice_params();
  params.group_id = "SHARED";
  params.scheduling_algorithm = HAILO_SCHEDULING_ALGORITHM_NONE;
  const auto unscheduled = VDevice::create_shared(params).release();
  check::equals(genai::LLM::create(unscheduled, genai::LLMParams(hefOf(languageModel))).status(), HAILO_NOT_SUPPORTED);
}

TEST("ends the process of one whose link was lost in the middle of a generation") {
  const DeviceProcess process;
  process.control(R"({"control":"cut-tokens","after":5})");
  ProbeProcess probe("generate", hefOf(languageModel));
  check::equals(probe.line(), std::string("generating"));
  check::equals(probe.line(), std::string("failed"));
  check::equals(probe.ended(30), SIGABRT);
}

TEST("leaves the ids of the vector overload dangling: no second call finds them") {
  const DeviceProcess process;
  ProbeProcess probe("dangling-ids", hefOf("Whisper-Base"));
  // A build with the address sanitizer stops at the read, which says as much.
  const auto line = probe.line();
  check::isTrue(line.empty() || line == "HAILO_INVALID_ARGUMENT", "no device of that name: " + line);
}

TEST("never lets go of a generation on a hung device") {
  const DeviceProcess process;
  process.control(R"({"control":"hang-tokens","after":5})");
  ProbeProcess probe("generate", hefOf(languageModel));
  check::equals(probe.line(), std::string("generating"));
  check::equals(probe.line(), std::string("failed"));
  check::equals(probe.ended(1), 0);
  process.control(R"({"control":"resume"})");
  check::equals(probe.line(), std::string("done"));
}

TEST("goes on with vision while a model talks, and counts what its tokens take of the core") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  auto llm = openModel(device);
  auto completion = llm.generate({user("count to 200")});
  Canvas canvas(640, 640);
  for (int i = 0; i < 20; i++) runner.run(canvas);
  completion->abort();
  while (completion->generation_status() == Status::GENERATING) completion->read(20s);
  check::equals(process.state()["jobs"].integer(), std::int64_t{20});
  check::isTrue(process.state()["switches"].integer() > 1, "the core went to and fro");
}
