#pragma once

#include <cstdint>
#include <hailo/genai/llm/llm.hpp>
#include <memory>
#include <string>
#include <vector>

#include "backends/hailo/generative.h"
#include "backends/hailo/status.h"

namespace hailstream::hailo {

/** What genai::LLM and genai::VLM have in common for us. Every call blocks and may throw the status it got. */
class GenerativeNetwork {
 public:
  using Completion = hailort::genai::LLMGeneratorCompletion;

  virtual ~GenerativeNetwork() = default;
  virtual GenerativeFacts facts() = 0;
  /** Its destructor aborts what still runs, and hangs or terminates where the device is gone. */
  virtual std::unique_ptr<Completion> generate(const Prompt& prompt) = 0;
  virtual std::vector<int> tokenise(const std::string& text) = 0;
  virtual std::size_t contextUsed() = 0;
  virtual void clearContext() = 0;
  virtual std::vector<std::uint8_t> saveContext() = 0;
  virtual void loadContext(const std::vector<std::uint8_t>& context) = 0;
  virtual void setStopTokens(const std::vector<std::string>& tokens) = 0;
};

std::unique_ptr<GenerativeNetwork> loadGenerative(std::shared_ptr<hailort::VDevice> device, GenerativeKind kind,
                                                  const std::string& path);

}  // namespace hailstream::hailo
