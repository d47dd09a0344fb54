#include "hailo/genai/llm/llm.hpp"

#include "client/genai/conversation.h"

namespace hailort::genai {

using standin::Json;

class LLM::Impl {
 public:
  explicit Impl(std::shared_ptr<Session> session) : conversation(std::make_shared<Conversation>(std::move(session))) {}
  std::shared_ptr<Conversation> conversation;
};

class LLMGenerator::Impl {
 public:
  // The generator keeps the session and the template, not the model: a model that goes first leaves it without answers.
  std::shared_ptr<Conversation> conversation;
  LLMGeneratorParams params;
  std::string prompt;
};

Expected<LLM> LLM::create(std::shared_ptr<VDevice> vdevice, const LLMParams& llm_params) {
  auto session = Session::open(*vdevice, llm_params.hef(), standin::Generative::Kind::llm);
  if (!session) return make_unexpected(session.status());
  if (llm_params.optimize_memory_on_device()) return make_unexpected(HAILO_NOT_IMPLEMENTED);
  return LLM(std::make_unique<Impl>(session.release()));
}

LLM::LLM(std::unique_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
LLM::LLM(LLM&&) = default;
LLM::~LLM() = default;

Expected<LLMGeneratorParams> LLM::create_generator_params() {
  return defaultParams();
}

Expected<LLMGenerator> LLM::create_generator() {
  return create_generator(defaultParams());
}

Expected<LLMGenerator> LLM::create_generator(const LLMGeneratorParams& params) {
  if (const auto status = checkParams(params); status != HAILO_SUCCESS) return make_unexpected(status);
  return LLMGenerator(std::make_shared<LLMGenerator::Impl>(LLMGenerator::Impl{m_pimpl->conversation, params, {}}));
}

Expected<LLMGeneratorCompletion> LLM::generate(const std::vector<std::string>& prompt_json_strings,
                                               const std::vector<std::string>& tools_json_strings) {
  return generate(defaultParams(), prompt_json_strings, tools_json_strings);
}

Expected<LLMGeneratorCompletion> LLM::generate(const LLMGeneratorParams& params,
                                               const std::vector<std::string>& prompt_json_strings,
                                               const std::vector<std::string>& tools_json_strings) {
  auto generator = create_generator(params);
  if (!generator) return make_unexpected(generator.status());
  const auto status = generator->write(prompt_json_strings, tools_json_strings);
  if (status != HAILO_SUCCESS) return make_unexpected(status);
  return generator->generate();
}

Expected<std::vector<int>> LLM::tokenize(const std::string& prompt) {
  return m_pimpl->conversation->tokenize(prompt);
}

Expected<size_t> LLM::get_context_usage_size() {
  return m_pimpl->conversation->contextFigure("used");
}

Expected<size_t> LLM::max_context_capacity() {
  return m_pimpl->conversation->contextFigure("capacity");
}

hailo_status LLM::clear_context() {
  return m_pimpl->conversation->clear();
}

Expected<BufferPtr> LLM::save_context() {
  return m_pimpl->conversation->save();
}

hailo_status LLM::load_context(const MemoryView& context) {
  return m_pimpl->conversation->load(context);
}

hailo_status LLM::set_generation_recovery_sequence(const std::string& sequence) {
  return m_pimpl->conversation->setRecovery(sequence);
}

Expected<std::string> LLM::get_generation_recovery_sequence() {
  return m_pimpl->conversation->recovery();
}

Expected<std::string> LLM::prompt_template() {
  return Template::text();
}

hailo_status LLM::set_stop_tokens(const std::vector<std::string>& stop_tokens) {
  return m_pimpl->conversation->setStops(stop_tokens);
}

Expected<std::vector<std::string>> LLM::get_stop_tokens() {
  return m_pimpl->conversation->stops();
}

LLMGenerator::LLMGenerator(std::shared_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
LLMGenerator::LLMGenerator(LLMGenerator&&) = default;
LLMGenerator::~LLMGenerator() = default;

hailo_status LLMGenerator::write(const std::string& prompt) {
  if (prompt.empty()) return HAILO_INVALID_ARGUMENT;
  m_pimpl->prompt += prompt;
  return HAILO_SUCCESS;
}

hailo_status LLMGenerator::write(const std::vector<std::string>& prompt_json_strings,
                                 const std::vector<std::string>& tools_json_strings) {
  const auto rendered = m_pimpl->conversation->messages().render(prompt_json_strings, tools_json_strings);
  return rendered ? write(*rendered) : rendered.status();
}

Expected<LLMGeneratorCompletion> LLMGenerator::generate() {
  if (m_pimpl->prompt.empty()) return make_unexpected(HAILO_INVALID_OPERATION);
  const Json question = Json::Object{{"prompt", std::exchange(m_pimpl->prompt, {})}};
  return startGeneration(m_pimpl->conversation->share(), m_pimpl->params, question, m_pimpl);
}

}  // namespace hailort::genai
