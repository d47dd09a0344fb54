#include "client/genai/conversation.h"

#include "client/environment.h"

namespace hailort::genai {

using standin::Json;

namespace {

/** A message's text: its content, or the texts among its content's entries; a picture's place is marked. */
std::string contentOf(const Json& message) {
  const Json& content = message["content"];
  if (!content.isArray()) return content.string();
  std::string text;
  for (const auto& part : content.array())
    text += part["type"].string() == "text" ? part["text"].string() : "<|vision_start|><|image_pad|><|vision_end|>";
  return text;
}

std::string renderTools(const std::vector<std::string>& tools) {
  std::string text = "\n<tools>\n";
  for (const auto& tool : tools) text += tool + "\n";
  return text + "</tools>";
}

}  // namespace

std::string Template::text() {
  return "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
         "<|im_start|>assistant\n";
}

Expected<std::string> Template::render(const std::vector<std::string>& messages,
                                       const std::vector<std::string>& tools) {
  if (messages.empty()) return make_unexpected(HAILO_INVALID_ARGUMENT);
  if (!tools.empty() && !fresh_) return make_unexpected(HAILO_INVALID_OPERATION);
  std::string prompt;
  bool toolsRendered = tools.empty();
  for (const auto& text : messages) {
    const auto message = Json::parse(text);
    if (!message || !message->has("role")) return make_unexpected(HAILO_INVALID_ARGUMENT);
    const auto role = (*message)["role"].string();
    if (role == "system" && !fresh_) return make_unexpected(HAILO_INVALID_OPERATION);
    if (!toolsRendered && role != "system") prompt += "<|im_start|>system\n" + renderTools(tools) + "<|im_end|>\n";
    const bool here = !toolsRendered && role == "system";
    prompt += "<|im_start|>" + role + "\n" + contentOf(*message) + (here ? renderTools(tools) : "") + "<|im_end|>\n";
    toolsRendered = true;
  }
  fresh_ = false;
  return prompt + "<|im_start|>assistant\n";
}

std::size_t Template::countImages(const std::vector<std::string>& messages) {
  std::size_t count = 0;
  for (const auto& text : messages) {
    const auto message = Json::parse(text);
    if (!message) continue;
    for (const auto& part : (*message)["content"].array()) count += part["type"].string() == "image" ? 1 : 0;
  }
  return count;
}

Conversation::~Conversation() {
  const auto freed = session_->call(Json::Object{{"do", "release"}});
  if (!freed) standin::logCritical("Failed to release a generative model, status " + std::to_string(freed.status()));
}

Expected<std::vector<int>> Conversation::tokenize(const std::string& text) {
  const auto answer = session_->call(Json::Object{{"do", "tokenize"}, {"text", text}});
  if (!answer) return make_unexpected(answer.status());
  std::vector<int> tokens;
  for (const auto& token : (*answer)["tokens"].array()) tokens.push_back(static_cast<int>(token.integer()));
  return tokens;
}

Expected<size_t> Conversation::contextFigure(const std::string& which) {
  const auto answer = session_->call(Json::Object{{"do", "context"}});
  if (!answer) return make_unexpected(answer.status());
  return static_cast<size_t>((*answer)[which].integer());
}

hailo_status Conversation::clear() {
  const auto status = session_->call(Json::Object{{"do", "clear"}}).status();
  if (status == HAILO_SUCCESS) template_.reset();
  return status;
}

Expected<BufferPtr> Conversation::save() {
  const auto answer = session_->call(Json::Object{{"do", "context"}});
  if (!answer) return make_unexpected(answer.status());
  const auto text = Json(Json::Object{{"model", session_->network().name}, {"used", (*answer)["used"]}}).text();
  return Buffer::create_shared(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

hailo_status Conversation::load(const MemoryView& context) {
  const auto saved = Json::parse({reinterpret_cast<const char*>(context.data()), context.size()});
  if (!saved || (*saved)["model"].string() != session_->network().name) return HAILO_INVALID_ARGUMENT;
  return session_->call(Json::Object{{"do", "load-context"}, {"used", (*saved)["used"]}}).status();
}

hailo_status Conversation::setRecovery(const std::string& sequence) {
  return session_->call(Json::Object{{"do", "set-recovery"}, {"text", sequence}}).status();
}

Expected<std::string> Conversation::recovery() {
  const auto answer = session_->call(Json::Object{{"do", "recovery"}});
  if (!answer) return make_unexpected(answer.status());
  return (*answer)["text"].string();
}

hailo_status Conversation::setStops(const std::vector<std::string>& tokens) {
  return session_->call(Json::Object{{"do", "set-stops"}, {"tokens", Json::Array(tokens.begin(), tokens.end())}})
      .status();
}

Expected<std::vector<std::string>> Conversation::stops() {
  const auto answer = session_->call(Json::Object{{"do", "stops"}});
  if (!answer) return make_unexpected(answer.status());
  std::vector<std::string> tokens;
  for (const auto& token : (*answer)["tokens"].array()) tokens.push_back(token.string());
  return tokens;
}

}  // namespace hailort::genai
