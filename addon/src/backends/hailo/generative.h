#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/hailo/device.h"
#include "backends/hailo/resident.h"
#include "core/outcome.h"

namespace hailstream::hailo {

class GenerativeNetwork;
class Interrupt;

/** `text` is a language model, `vision` one that is shown pictures as well. */
enum class GenerativeKind { text, vision };

/** Frames that a vision model takes: raw bytes, height × width × channels, exactly `bytes` long. */
struct FrameShape {
  std::size_t height, width, channels, bytes;
};

struct GenerativeFacts {
  /** Tokens that a conversation may have. */
  std::size_t contextCapacity;
  std::optional<FrameShape> frame;
};

/** What to generate. Unset numbers take the model's own defaults. */
struct Prompt {
  /** Each a JSON text `{"role": …, "content": …}`. Only new turns: the context keeps the conversation. */
  std::vector<std::string> messages;
  /** Each a JSON text; taken on a fresh context only. */
  std::vector<std::string> tools;
  /** One per image that the messages name. */
  std::vector<std::vector<std::uint8_t>> frames;
  /** Above 0. */
  std::optional<float> temperature;
  /** 0 to 1. */
  std::optional<float> topP;
  /** At least 1. */
  std::optional<std::uint32_t> topK;
  /** Not 0. */
  std::optional<float> frequencyPenalty;
  /** At least 1. */
  std::optional<std::uint32_t> maxTokens;
  std::optional<bool> sample;
  std::optional<std::uint32_t> seed;
  /** Longest wait for the first token, which includes reading the prompt, and then for each next one. */
  std::chrono::milliseconds firstTokenDeadline{60'000};
  std::chrono::milliseconds tokenDeadline{10'000};
};

enum class Ending { maxTokens, complete, aborted };

struct Generated {
  Ending ending;
  std::size_t tokens;
  /** Tokens that the conversation has now. */
  std::size_t contextUsed;
};

/** One generation: what its caller keeps to stop it. */
class Generation {
 public:
  explicit Generation(std::shared_ptr<Interrupt> interrupt) : interrupt_(std::move(interrupt)) {}
  /** Asks for the end; may be called from any thread, twice, and after the end. Returns at once. */
  void abort();

 private:
  std::shared_ptr<Interrupt> interrupt_;
};

/** Token text as it comes, on the reading thread: at most one call for each token of the limit. */
using OnToken = std::function<void(std::string_view text)>;

/**
 * The one generative model of a device, with a thread that calls it and one that aborts. Methods return at once; `told`
 * comes on the model's thread. What happens after an error in a generation: see Resident.
 */
class Generative {
 public:
  /** Takes the device's only generative slot; `unavailable` when another model has it, in whatever process. */
  Generative(std::shared_ptr<Device> device, GenerativeKind kind, std::string path, Told<GenerativeFacts> told);
  ~Generative();
  Generative(const Generative&) = delete;
  Generative& operator=(const Generative&) = delete;

  /** Throws `busy` while another generation runs and `invalid` for a prompt that cannot be; otherwise tells later. */
  std::shared_ptr<Generation> generate(Prompt prompt, OnToken onToken, Told<Generated> told);
  void tokenise(std::string text, Told<std::vector<int>> told);
  void contextUsed(Told<std::size_t> told);
  void clearContext(Told<std::monostate> told);
  void saveContext(Told<std::vector<std::uint8_t>> told);
  void loadContext(std::vector<std::uint8_t> context, Told<std::monostate> told);
  /** What ends a generation beside the model's own end tokens. */
  void setStopTokens(std::vector<std::string> tokens, Told<std::monostate> told);
  /** Ends what runs, frees the slot, then tells. */
  void close(Told<std::monostate> told);
  bool waitForEnd(std::chrono::milliseconds deadline) { return resident_.waitForEnd(deadline); }

 private:
  struct Shared;
  void checkPrompt(const Prompt& prompt) const;
  void abortCurrent();

  std::shared_ptr<Shared> shared_;
  Resident<GenerativeNetwork> resident_;
};

}  // namespace hailstream::hailo
