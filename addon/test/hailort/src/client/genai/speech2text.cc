#include "hailo/genai/speech2text/speech2text.hpp"

#include <cmath>
#include <cstdio>

#include "client/environment.h"
#include "client/genai/session.h"

namespace hailort::genai {

using standin::Json;

namespace {

constexpr float samplesPerSecond = 16000;
constexpr float windowSeconds = 10;
/** Below this the text says that it was given silence. */
constexpr float silenceDecibels = -60;

float decibelsOf(const float* samples, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; i++) sum += static_cast<double>(samples[i]) * samples[i];
  const double power = count == 0 ? 0 : sum / static_cast<double>(count);
  return power <= 0 ? -120 : static_cast<float>(10 * std::log10(power));
}

/** One segment per window of 10 s: it says what it was given. */
std::vector<Speech2Text::SegmentInfo> toSegments(MemoryView audio, const Speech2TextGeneratorParams& params) {
  std::vector<Speech2Text::SegmentInfo> segments;
  const std::size_t count = audio.size() / sizeof(float);
  std::vector<float> samples(count);
  if (count > 0) std::memcpy(samples.data(), audio.data(), count * sizeof(float));
  const auto window = static_cast<std::size_t>(windowSeconds * samplesPerSecond);
  for (std::size_t first = 0; first < count; first += window) {
    const std::size_t length = std::min(window, count - first);
    const float decibels = decibelsOf(samples.data() + first, length);
    char text[160];
    const char* task = params.task() == Speech2TextTask::TRANSLATE ? "translated" : "transcribed";
    const std::string language = params.language().empty() ? "auto" : std::string(params.language());
    if (decibels < silenceDecibels) {
      std::snprintf(text, sizeof text, " [stand-in] silence");
    } else {
      std::snprintf(text, sizeof text, " [stand-in] %s %.1f s of sound at %.0f dB, language %s", task,
                    static_cast<float>(length) / samplesPerSecond, decibels, language.c_str());
    }
    segments.push_back(
        {static_cast<float>(first) / samplesPerSecond, static_cast<float>(first + length) / samplesPerSecond, text});
  }
  return segments;
}

}  // namespace

Speech2TextParams::Speech2TextParams(std::string_view hef_path) : m_hef_path(hef_path) {}

hailo_status Speech2TextParams::set_model(std::string_view hef_path) {
  m_hef_path = hef_path;
  return checkPath(m_hef_path);
}

std::string_view Speech2TextParams::hef() const {
  return m_hef_path;
}

Speech2TextGeneratorParams::Speech2TextGeneratorParams(Speech2TextTask task, std::string_view language,
                                                       float32_t repetition_penalty)
    : m_task(task), m_language(language), m_repetition_penalty(repetition_penalty) {}

hailo_status Speech2TextGeneratorParams::set_task(Speech2TextTask task) {
  m_task = task;
  return HAILO_SUCCESS;
}

hailo_status Speech2TextGeneratorParams::set_language(std::string_view language) {
  m_language = language;
  return HAILO_SUCCESS;
}

hailo_status Speech2TextGeneratorParams::set_repetition_penalty(float32_t repetition_penalty) {
  m_repetition_penalty = repetition_penalty;
  return HAILO_SUCCESS;
}

Speech2TextTask Speech2TextGeneratorParams::task() const {
  return m_task;
}

std::string_view Speech2TextGeneratorParams::language() const {
  return m_language;
}

float32_t Speech2TextGeneratorParams::repetition_penalty() const {
  return m_repetition_penalty;
}

class Speech2Text::Impl {
 public:
  explicit Impl(std::shared_ptr<Session> opened) : session(std::move(opened)) {}
  ~Impl() {
    const auto freed = session->call(Json::Object{{"do", "release"}});
    if (!freed) standin::logCritical("Failed to release Speech2Text, status " + std::to_string(freed.status()));
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  std::shared_ptr<Session> session;
};

Expected<Speech2Text> Speech2Text::create(std::shared_ptr<VDevice> vdevice,
                                          const Speech2TextParams& speech2text_params) {
  auto session = Session::open(*vdevice, std::string(speech2text_params.hef()), standin::Generative::Kind::speech);
  if (!session) return make_unexpected(session.status());
  return Speech2Text(std::make_unique<Impl>(session.release()));
}

Speech2Text::Speech2Text(std::unique_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
Speech2Text::Speech2Text(Speech2Text&&) = default;
Speech2Text::~Speech2Text() = default;

Expected<Speech2TextGeneratorParams> Speech2Text::create_generator_params() {
  return Speech2TextGeneratorParams(Speech2TextTask::TRANSCRIBE, "", 1.1f);
}

Expected<std::vector<Speech2Text::SegmentInfo>> Speech2Text::generate_all_segments(
    MemoryView audio_buffer, const Speech2TextGeneratorParams& generator_params, std::chrono::milliseconds) {
  if (generator_params.repetition_penalty() <= 0) return make_unexpected(HAILO_INVALID_ARGUMENT);
  const auto segments = toSegments(audio_buffer, generator_params);
  constexpr int tokensPerSegment = 24;
  const auto done = m_pimpl->session->call(
      Json::Object{{"do", "transcribe"}, {"tokens", static_cast<int>(segments.size()) * tokensPerSegment}});
  if (!done) return make_unexpected(done.status());
  return std::vector<SegmentInfo>(segments);
}

Expected<std::vector<Speech2Text::SegmentInfo>> Speech2Text::generate_all_segments(MemoryView audio_buffer,
                                                                                   std::chrono::milliseconds timeout) {
  return generate_all_segments(audio_buffer, create_generator_params().release(), timeout);
}

Expected<std::string> Speech2Text::generate_all_text(MemoryView audio_buffer,
                                                     const Speech2TextGeneratorParams& generator_params,
                                                     std::chrono::milliseconds timeout) {
  const auto segments = generate_all_segments(audio_buffer, generator_params, timeout);
  if (!segments) return make_unexpected(segments.status());
  std::string text;
  for (const auto& segment : *segments) text += segment.text;
  return text;
}

Expected<std::string> Speech2Text::generate_all_text(MemoryView audio_buffer, std::chrono::milliseconds timeout) {
  return generate_all_text(audio_buffer, create_generator_params().release(), timeout);
}

Expected<std::vector<int>> Speech2Text::tokenize(const std::string& text) {
  const auto answer = m_pimpl->session->call(Json::Object{{"do", "tokenize"}, {"text", text}});
  if (!answer) return make_unexpected(answer.status());
  std::vector<int> tokens;
  for (const auto& token : (*answer)["tokens"].array()) tokens.push_back(static_cast<int>(token.integer()));
  return tokens;
}

}  // namespace hailort::genai
