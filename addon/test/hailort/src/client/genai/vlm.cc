#include "hailo/genai/vlm/vlm.hpp"

#include <algorithm>
#include <set>

#include "client/genai/conversation.h"
#include "heads/palette.h"

namespace hailort::genai {

using standin::Json;

namespace {

/** Of the picture's pixels, this share must have a colour for it to be named. */
constexpr int pixelsPerSample = 16;
constexpr std::size_t minSamples = 32;

/** Names of the colours in a frame, in the palette's order. Only whole pixels that the frame has are read. */
std::set<int> coloursOf(const MemoryView& frame) {
  std::array<std::size_t, standin::colourCount> counts{};
  const std::uint8_t* bytes = frame.data();
  for (std::size_t i = 0; i + 2 < frame.size(); i += 3 * pixelsPerSample) {
    const standin::Rgb pixel{static_cast<float>(bytes[i]), static_cast<float>(bytes[i + 1]),
                             static_cast<float>(bytes[i + 2])};
    if (const auto colour = standin::colourOf(pixel)) counts[static_cast<std::size_t>(*colour)]++;
  }
  std::set<int> seen;
  for (int colour = 0; colour < standin::colourCount; colour++) {
    if (counts[static_cast<std::size_t>(colour)] >= minSamples) seen.insert(colour);
  }
  return seen;
}

Json toQuestion(const std::string& prompt, const std::vector<MemoryView>& frames,
                const std::vector<std::vector<MemoryView>>& videos) {
  std::set<int> seen;
  std::size_t count = 0;
  const auto look = [&](const std::vector<MemoryView>& all) {
    count += all.size();
    for (const auto& frame : all) seen.merge(coloursOf(frame));
  };
  look(frames);
  for (const auto& video : videos) look(video);
  Json::Array names;
  for (const int colour : seen) names.emplace_back(standin::colourNames[static_cast<std::size_t>(colour)]);
  return Json::Object{{"prompt", prompt}, {"seen", names}, {"pictures", count}};
}

}  // namespace

class VLM::Impl {
 public:
  std::shared_ptr<Conversation> conversation;
  hailo_3d_image_shape_t shape;
  hailo_format_type_t type = HAILO_FORMAT_TYPE_UINT8;
  hailo_format_order_t order = HAILO_FORMAT_ORDER_NHWC;
};

class VLMGenerator::Impl {
 public:
  std::shared_ptr<Conversation> conversation;
  LLMGeneratorParams params;
};

Expected<VLM> VLM::create(std::shared_ptr<VDevice> vdevice, const VLMParams& vlm_params) {
  auto session = Session::open(*vdevice, vlm_params.hef(), standin::Generative::Kind::vlm);
  if (!session) return make_unexpected(session.status());
  if (vlm_params.optimize_memory_on_device()) return make_unexpected(HAILO_NOT_IMPLEMENTED);
  const auto& [height, width, features] = session.value()->network().inputs[0].shape;
  return VLM(
      std::make_unique<Impl>(Impl{std::make_shared<Conversation>(session.release()), {height, width, features}}));
}

VLM::VLM(std::unique_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
VLM::VLM(VLM&&) = default;
VLM::~VLM() = default;

Expected<LLMGeneratorParams> VLM::create_generator_params() {
  return defaultParams();
}

Expected<VLMGenerator> VLM::create_generator() {
  return create_generator(defaultParams());
}

Expected<VLMGenerator> VLM::create_generator(const LLMGeneratorParams& params) {
  if (const auto status = checkParams(params); status != HAILO_SUCCESS) return make_unexpected(status);
  return VLMGenerator(std::make_shared<VLMGenerator::Impl>(VLMGenerator::Impl{m_pimpl->conversation, params}));
}

Expected<LLMGeneratorCompletion> VLM::generate(const std::vector<std::string>& messages_json_strings,
                                               const std::vector<MemoryView>& input_frames,
                                               const std::vector<std::vector<MemoryView>>& input_videos) {
  return generate(defaultParams(), messages_json_strings, input_frames, input_videos);
}

Expected<LLMGeneratorCompletion> VLM::generate(const LLMGeneratorParams& params,
                                               const std::vector<std::string>& messages_json_strings,
                                               const std::vector<MemoryView>& input_frames,
                                               const std::vector<std::vector<MemoryView>>& input_videos) {
  auto generator = create_generator(params);
  if (!generator) return make_unexpected(generator.status());
  return generator->generate(messages_json_strings, input_frames, input_videos);
}

Expected<std::vector<int>> VLM::tokenize(const std::string& prompt) {
  return m_pimpl->conversation->tokenize(prompt);
}

Expected<size_t> VLM::get_context_usage_size() {
  return m_pimpl->conversation->contextFigure("used");
}

Expected<size_t> VLM::max_context_capacity() {
  return m_pimpl->conversation->contextFigure("capacity");
}

hailo_status VLM::clear_context() {
  return m_pimpl->conversation->clear();
}

Expected<BufferPtr> VLM::save_context() {
  return m_pimpl->conversation->save();
}

hailo_status VLM::load_context(const MemoryView& context) {
  return m_pimpl->conversation->load(context);
}

hailo_status VLM::set_generation_recovery_sequence(const std::string& sequence) {
  return m_pimpl->conversation->setRecovery(sequence);
}

Expected<std::string> VLM::get_generation_recovery_sequence() {
  return m_pimpl->conversation->recovery();
}

Expected<std::string> VLM::prompt_template() {
  return Template::text();
}

hailo_status VLM::set_stop_tokens(const std::vector<std::string>& stop_tokens) {
  return m_pimpl->conversation->setStops(stop_tokens);
}

Expected<std::vector<std::string>> VLM::get_stop_tokens() {
  return m_pimpl->conversation->stops();
}

uint32_t VLM::input_frame_size() const {
  const auto& [height, width, features] = m_pimpl->shape;
  return height * width * features;
}

const hailo_3d_image_shape_t& VLM::input_frame_shape() const {
  return m_pimpl->shape;
}

const hailo_format_type_t& VLM::input_frame_format_type() const {
  return m_pimpl->type;
}

const hailo_format_order_t& VLM::input_frame_format_order() const {
  return m_pimpl->order;
}

VLMGenerator::VLMGenerator(std::shared_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
VLMGenerator::VLMGenerator(VLMGenerator&&) = default;
VLMGenerator::~VLMGenerator() = default;

Expected<LLMGeneratorCompletion> VLMGenerator::generate(const std::string& prompt,
                                                        const std::vector<MemoryView>& input_frames,
                                                        const std::vector<std::vector<MemoryView>>& input_videos) {
  if (prompt.empty()) return make_unexpected(HAILO_INVALID_ARGUMENT);
  return startGeneration(m_pimpl->conversation->share(), m_pimpl->params,
                         toQuestion(prompt, input_frames, input_videos), m_pimpl);
}

Expected<LLMGeneratorCompletion> VLMGenerator::generate(const std::vector<std::string>& messages_json_strings,
                                                        const std::vector<MemoryView>& input_frames,
                                                        const std::vector<std::vector<MemoryView>>& input_videos) {
  if (Template::countImages(messages_json_strings) != input_frames.size())
    return make_unexpected(HAILO_INVALID_ARGUMENT);
  const auto rendered = m_pimpl->conversation->messages().render(messages_json_strings, {});
  if (!rendered) return make_unexpected(rendered.status());
  return generate(*rendered, input_frames, input_videos);
}

}  // namespace hailort::genai
