#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

#include "client/genai/conversation.h"

namespace hailort::genai {

/** Tokens of one generation, read by a thread of its own whatever the caller does. */
class LLMGeneratorCompletion::Impl {
 public:
  /** `keeps` lives as long as this: the generator. */
  Impl(std::shared_ptr<Session> session, std::shared_ptr<void> keeps);
  ~Impl();

  Expected<std::string> read(std::chrono::milliseconds timeout);
  Status status() const;
  hailo_status abort();

 private:
  struct Token {
    std::string text;
    Status status;
  };

  void readTokens();
  void give(Token token);

  std::shared_ptr<Session> session_;
  std::shared_ptr<void> keeps_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Token> tokens_;
  bool ended_ = false;
  bool stopping_ = false;
  Status status_ = Status::GENERATING;
  std::thread reader_;
};

}  // namespace hailort::genai
