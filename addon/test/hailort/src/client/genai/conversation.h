#pragma once

#include "client/genai/session.h"
#include "hailo/genai/llm/llm.hpp"

namespace hailort::genai {

/** Renders messages as ChatML, and knows whether the context is fresh: a system message or tools come first or never.
 */
class Template {
 public:
  static std::string text();
  /** 2 for what is no message, 6 for a system message or tools in a context that is not fresh. */
  Expected<std::string> render(const std::vector<std::string>& messages, const std::vector<std::string>& tools);
  void reset() { fresh_ = true; }
  /** Entries of type image in the content of all messages. */
  static std::size_t countImages(const std::vector<std::string>& messages);

 private:
  bool fresh_ = true;
};

/** What an LLM and a VLM have in common: the session, the context and the settings. */
class Conversation {
 public:
  explicit Conversation(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~Conversation();

  Session& session() { return *session_; }
  std::shared_ptr<Session> share() const { return session_; }
  Template& messages() { return template_; }

  Expected<std::vector<int>> tokenize(const std::string& text);
  Expected<size_t> contextFigure(const std::string& which);
  hailo_status clear();
  Expected<BufferPtr> save();
  hailo_status load(const MemoryView& context);
  hailo_status setRecovery(const std::string& sequence);
  Expected<std::string> recovery();
  hailo_status setStops(const std::vector<std::string>& tokens);
  Expected<std::vector<std::string>> stops();

 private:
  std::shared_ptr<Session> session_;
  Template template_;
};

LLMGeneratorParams defaultParams();
hailo_status checkParams(const LLMGeneratorParams& params);

/** Starts a generation in `session` and the thread that reads its tokens. */
Expected<LLMGeneratorCompletion> startGeneration(std::shared_ptr<Session> session, const LLMGeneratorParams& params,
                                                 standin::Json question, std::shared_ptr<void> keeps);

}  // namespace hailort::genai
