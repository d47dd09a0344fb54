#include "backends/hailo/status.h"

#if HAILSTREAM_HAILO_GENAI

#include <hailo/genai/vlm/vlm.hpp>
#include <utility>

#include "backends/hailo/generative_network.h"

namespace hailstream::hailo {
namespace {

using hailort::MemoryView;
using hailort::genai::LLM;
using hailort::genai::LLMGeneratorParams;
using hailort::genai::LLMParams;
using hailort::genai::VLM;
using hailort::genai::VLMParams;

LLMGeneratorParams withAsked(LLMGeneratorParams params, const Prompt& prompt) {
  if (prompt.temperature) require(params.set_temperature(*prompt.temperature), "a temperature above 0");
  if (prompt.topP) require(params.set_top_p(*prompt.topP), "topP to be 0 to 1");
  if (prompt.topK) require(params.set_top_k(*prompt.topK), "topK of at least 1");
  if (prompt.frequencyPenalty)
    require(params.set_frequency_penalty(*prompt.frequencyPenalty), "a frequency penalty that is not 0");
  if (prompt.maxTokens) require(params.set_max_generated_tokens(*prompt.maxTokens), "a limit of at least 1 token");
  if (prompt.sample) require(params.set_do_sample(*prompt.sample), "sampling to be set");
  if (prompt.seed) require(params.set_seed(*prompt.seed), "a seed");
  return params;
}

/** Everything but creation and generation, which differ. */
template <typename Library>
class Shared : public GenerativeNetwork {
 public:
  Shared(std::shared_ptr<hailort::VDevice> device, Library library)
      : device_(std::move(device)), library_(std::move(library)) {}

  GenerativeFacts facts() override { return {take(library_.max_context_capacity(), "the context's size"), {}}; }
  std::vector<int> tokenise(const std::string& text) override {
    return take(library_.tokenize(text), "to split a text into tokens");
  }
  std::size_t contextUsed() override { return take(library_.get_context_usage_size(), "the context's use"); }
  void clearContext() override { require(library_.clear_context(), "to clear the context"); }
  std::vector<std::uint8_t> saveContext() override {
    const auto saved = take(library_.save_context(), "to save the context");
    return {saved->data(), saved->data() + saved->size()};
  }
  void loadContext(const std::vector<std::uint8_t>& context) override {
    require(library_.load_context(MemoryView::create_const(context.data(), context.size())), "to load a context");
  }
  void setStopTokens(const std::vector<std::string>& tokens) override {
    require(library_.set_stop_tokens(tokens), "to set what ends a generation");
  }

 protected:
  LLMGeneratorParams parameters(const Prompt& prompt) {
    return withAsked(take(library_.create_generator_params(), "the model's own parameters"), prompt);
  }
  static std::unique_ptr<Completion> hold(hailort::Expected<Completion>&& started) {
    return std::make_unique<Completion>(take(std::move(started), "to start a generation"));
  }

  // The server ties the device to the clients that hold it.
  std::shared_ptr<hailort::VDevice> device_;
  Library library_;
};

class TextNetwork : public Shared<LLM> {
 public:
  TextNetwork(std::shared_ptr<hailort::VDevice> device, const std::string& path)
      : Shared(device, take(LLM::create(device, LLMParams(path)), "to load the language model " + path)) {}

  std::unique_ptr<Completion> generate(const Prompt& prompt) override {
#if HAILSTREAM_HAILORT_VERSION >= 50200
    return hold(library_.generate(parameters(prompt), prompt.messages, prompt.tools));
#else
    if (!prompt.tools.empty()) throw Error(ErrorCode::invalid, "Expected no tools, which HailoRT has from 5.2.0 on");
    return hold(library_.generate(parameters(prompt), prompt.messages));
#endif
  }
};

class VisionNetwork : public Shared<VLM> {
 public:
  VisionNetwork(std::shared_ptr<hailort::VDevice> device, const std::string& path)
      : Shared(device, take(VLM::create(device, VLMParams(path)), "to load the vision model " + path)) {}

  GenerativeFacts facts() override {
    auto facts = Shared::facts();
    const auto& shape = library_.input_frame_shape();
    facts.frame = FrameShape{shape.height, shape.width, shape.features, library_.input_frame_size()};
    return facts;
  }

  std::unique_ptr<Completion> generate(const Prompt& prompt) override {
    std::vector<MemoryView> frames;
    for (const auto& frame : prompt.frames) frames.push_back(MemoryView::create_const(frame.data(), frame.size()));
    return hold(library_.generate(parameters(prompt), prompt.messages, frames));
  }
};

}  // namespace

std::unique_ptr<GenerativeNetwork> loadGenerative(std::shared_ptr<hailort::VDevice> device, GenerativeKind kind,
                                                  const std::string& path) {
  if (kind == GenerativeKind::vision) return std::make_unique<VisionNetwork>(std::move(device), path);
  return std::make_unique<TextNetwork>(std::move(device), path);
}

}  // namespace hailstream::hailo

#endif
