#include "client/genai/completion.h"

#include <cstring>

#include "client/environment.h"

namespace hailort::genai {

using standin::Json;

namespace {

/** Tokens that may wait for their reader; then the thread that brings them waits too. */
constexpr std::size_t maxTokens = 1024;

}  // namespace

LLMGeneratorCompletion::Impl::Impl(std::shared_ptr<Session> session, std::shared_ptr<void> keeps)
    : session_(std::move(session)), keeps_(std::move(keeps)), reader_([this] { readTokens(); }) {}

/**
 * Defects 3 and 4 of HailoRT 5.2.0 live here. A hung device never lets the abort go: this does not return. After a lost
 * link the abort fails before the reader is joined, and destroying a thread that can be joined ends the process.
 */
LLMGeneratorCompletion::Impl::~Impl() {
  if (status() == Status::GENERATING) {
    const auto aborted = abort();
    if (aborted != HAILO_SUCCESS)
      standin::logCritical("Failed to abort a generation, status " + std::to_string(aborted));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (reader_.joinable()) reader_.join();
}

void LLMGeneratorCompletion::Impl::give(Token token) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || tokens_.size() < maxTokens; });
  tokens_.push_back(std::move(token));
  changed_.notify_all();
}

void LLMGeneratorCompletion::Impl::readTokens() {
  auto status = Status::GENERATING;
  while (status == Status::GENERATING) {
    const auto answer = session_->call(Json::Object{{"do", "token"}});
    if (!answer) break;
    status = static_cast<Status>((*answer)["state"].integer());
    give({(*answer)["text"].string(), status});
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

Expected<std::string> LLMGeneratorCompletion::Impl::read(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (status_ != Status::GENERATING) return make_unexpected(HAILO_INVALID_OPERATION);
  const bool came = changed_.wait_for(lock, timeout, [this] { return !tokens_.empty() || ended_; });
  if (!came) return make_unexpected(HAILO_TIMEOUT);
  // The link was lost: the status stays GENERATING, as HailoRT's does.
  if (tokens_.empty()) return make_unexpected(HAILO_INVALID_OPERATION);
  Token token = std::move(tokens_.front());
  tokens_.pop_front();
  status_ = token.status;
  changed_.notify_all();
  return std::move(token.text);
}

LLMGeneratorCompletion::Status LLMGeneratorCompletion::Impl::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

hailo_status LLMGeneratorCompletion::Impl::abort() {
  const auto status = session_->call(Json::Object{{"do", "abort"}}).status();
  if (status != HAILO_SUCCESS) return status;
  if (reader_.joinable()) reader_.join();
  return HAILO_SUCCESS;
}

LLMGeneratorCompletion::LLMGeneratorCompletion(std::unique_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}
LLMGeneratorCompletion::LLMGeneratorCompletion(LLMGeneratorCompletion&&) = default;
LLMGeneratorCompletion::~LLMGeneratorCompletion() = default;

Expected<std::string> LLMGeneratorCompletion::read(std::chrono::milliseconds timeout) {
  return m_pimpl->read(timeout);
}

Expected<size_t> LLMGeneratorCompletion::read(char* output, size_t output_size, std::chrono::milliseconds timeout) {
  const auto token = m_pimpl->read(timeout);
  if (!token) return make_unexpected(token.status());
  if (output_size <= token->size()) return make_unexpected(HAILO_INSUFFICIENT_BUFFER);
  std::memcpy(output, token->data(), token->size());
  return token->size();
}

Expected<std::string> LLMGeneratorCompletion::read_all(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  std::string all;
  while (generation_status() == Status::GENERATING) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const auto token = read(std::max(left, std::chrono::milliseconds(0)));
    if (!token) return make_unexpected(token.status());
    all += *token;
  }
  return all;
}

LLMGeneratorCompletion::Status LLMGeneratorCompletion::generation_status() const {
  return m_pimpl->status();
}

hailo_status LLMGeneratorCompletion::abort() {
  return m_pimpl->abort();
}

Expected<LLMGeneratorCompletion> startGeneration(std::shared_ptr<Session> session, const LLMGeneratorParams& params,
                                                 Json question, std::shared_ptr<void> keeps) {
  question.set("do", "generate");
  question.set("limit", params.max_generated_tokens());
  const auto started = session->call(question);
  if (!started) return make_unexpected(started.status());
  return LLMGeneratorCompletion(std::make_unique<LLMGeneratorCompletion::Impl>(std::move(session), std::move(keeps)));
}

}  // namespace hailort::genai
