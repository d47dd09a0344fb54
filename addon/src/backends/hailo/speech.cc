#include "backends/hailo/speech.h"

#include "backends/hailo/status.h"

#if HAILSTREAM_HAILO_GENAI

#include <algorithm>
#include <cmath>
#include <hailo/genai/speech2text/speech2text.hpp>
#include <span>
#include <utility>

namespace hailstream::hailo {
namespace {

using namespace hailort::genai;

constexpr std::size_t sampleRate = 16'000;
constexpr std::size_t mostSamples = 600 * sampleRate;

Speech2TextGeneratorParams withAsked(Speech2TextGeneratorParams params, const Utterance& utterance) {
  const auto task = utterance.translate ? Speech2TextTask::TRANSLATE : Speech2TextTask::TRANSCRIBE;
  require(params.set_task(task), "the task to be set");
  require(params.set_language(utterance.language), "a language as ISO 639-1, or none");
#if HAILSTREAM_HAILORT_VERSION >= 50200
  if (utterance.repetitionPenalty)
    require(params.set_repetition_penalty(*utterance.repetitionPenalty), "a repetition penalty above 0");
#endif
  return params;
}

void check(const Utterance& utterance) {
  const auto& samples = utterance.samples;
  if (samples.empty() || samples.size() > mostSamples)
    throw Error(ErrorCode::invalid, "Expected 1 to " + std::to_string(mostSamples) + " samples, received " +
                                        std::to_string(samples.size()));
  if (!std::ranges::all_of(samples, [](float sample) { return std::isfinite(sample); }))
    throw Error(ErrorCode::invalid, "Expected samples of -1 to 1, received one that is no number");
  if (HAILSTREAM_HAILORT_VERSION < 50200 && utterance.repetitionPenalty)
    throw Error(ErrorCode::invalid, "Expected no repetition penalty before HailoRT 5.2.0, received one");
  if (utterance.repetitionPenalty.value_or(1) <= 0)
    throw Error(ErrorCode::invalid, "Expected a repetition penalty above 0, received less");
}

}  // namespace

class SpeechNetwork {
 public:
  SpeechNetwork(std::shared_ptr<hailort::VDevice> device, const std::string& path)
      : device_(device),
        library_(take(Speech2Text::create(device, Speech2TextParams(path)), "to load the speech model " + path)) {}

  std::vector<Segment> transcribe(const Utterance& utterance) {
    const auto params = withAsked(take(library_.create_generator_params(), "the model's own parameters"), utterance);
    const auto bytes = std::as_bytes(std::span(utterance.samples));
    const auto audio = hailort::MemoryView::create_const(bytes.data(), bytes.size());
    std::vector<Segment> segments;
    for (auto& found : take(library_.generate_all_segments(audio, params), "a transcript"))
      segments.push_back({found.start_sec, found.end_sec, std::move(found.text)});
    return segments;
  }

  std::vector<int> tokenise(const std::string& text) {
    return take(library_.tokenize(text), "to split a text into tokens");
  }

 private:
  // The server ties the device to the clients that hold it.
  std::shared_ptr<hailort::VDevice> device_;
  Speech2Text library_;
};

Speech::Speech(std::shared_ptr<Device> device, std::string path, Told<std::monostate> told)
    : resident_(std::move(device), "hailo-speech") {
  const auto make = [path = std::move(path)](std::shared_ptr<hailort::VDevice> on) {
    return std::make_unique<SpeechNetwork>(std::move(on), path);
  };
  resident_.load(make, std::move(told), [](SpeechNetwork&) { return std::monostate(); });
}

Speech::~Speech() = default;

void Speech::transcribe(Utterance utterance, Told<std::vector<Segment>> told) {
  check(utterance);
  resident_.generate(std::move(told), [utterance = std::move(utterance)](SpeechNetwork& network) {
    return network.transcribe(utterance);
  });
}

void Speech::tokenise(std::string text, Told<std::vector<int>> told) {
  resident_.call(std::move(told), [text = std::move(text)](SpeechNetwork& network) { return network.tokenise(text); });
}

void Speech::close(Told<std::monostate> told) {
  resident_.close(std::move(told));
}

bool Speech::waitForEnd(std::chrono::milliseconds deadline) {
  return resident_.waitForEnd(deadline);
}

}  // namespace hailstream::hailo

#endif
