#include "backends/hailo/generative.h"

#include "backends/hailo/status.h"

#if HAILSTREAM_HAILO_GENAI

#include <mutex>
#include <utility>

#include "backends/hailo/generative_network.h"
#include "backends/hailo/interrupt.h"
#include "core/keep_forever.h"

namespace hailstream::hailo {
namespace {

using Completion = GenerativeNetwork::Completion;
using Status = Completion::Status;
using Clock = std::chrono::steady_clock;

/** How long one read waits: between two of them we look at our own deadlines. */
constexpr std::chrono::milliseconds readSlice{200};

Ending endingOf(Status status) {
  if (status == Status::ABORTED) return Ending::aborted;
  return status == Status::MAX_TOKENS_REACHED ? Ending::maxTokens : Ending::complete;
}

/** Reads to the end, also after an abort: only then may the completion be destroyed. Throws what ended it instead. */
std::size_t readTokens(Completion& completion, const Prompt& prompt, const OnToken& onToken) {
  std::size_t tokens = 0;
  auto deadline = Clock::now() + prompt.firstTokenDeadline;
  while (completion.generation_status() == Status::GENERATING) {
    auto token = completion.read(readSlice);
    if (!token) {
      if (token.status() == HAILO_TIMEOUT && Clock::now() < deadline) continue;
      throw errorOf(token.status(), tokens == 0 ? "the first token" : "the next token");
    }
    deadline = Clock::now() + prompt.tokenDeadline;
    if (token->empty()) continue;
    tokens++;
    onToken(*token);
  }
  return tokens;
}

/** Until `finish`, what runs is never destroyed: its destructor hangs or terminates where the device is gone. */
class Running {
 public:
  explicit Running(std::unique_ptr<Completion> completion) : completion_(std::move(completion)) {}
  ~Running() {
    if (completion_) keepForever(std::move(completion_));
  }

  Completion& operator*() { return *completion_; }
  Ending finish() {
    const auto ending = endingOf(completion_->generation_status());
    completion_.reset();
    return ending;
  }

 private:
  std::unique_ptr<Completion> completion_;
};

/** The abort is armed for as long as the completion runs. */
Generated run(GenerativeNetwork& network, const Prompt& prompt, const OnToken& onToken, Interrupt& interrupt) {
  if (interrupt.requested()) return {Ending::aborted, 0, network.contextUsed()};
  Running running(network.generate(prompt));
  // An abort that fails leaves the reading to its deadline. A request that came meanwhile has found nothing to abort.
  const auto abort = [&completion = *running] { static_cast<void>(completion.abort()); };
  if (!interrupt.arm(abort)) interrupt.run();
  const auto tokens = readTokens(*running, prompt, onToken);
  if (!interrupt.disarm(prompt.tokenDeadline)) throw errorOf(HAILO_TIMEOUT, "an abort to come back");
  const auto ending = running.finish();
  return {ending, tokens, network.contextUsed()};
}

void check(bool fits, const char* expected) {
  if (!fits) throw Error(ErrorCode::invalid, std::string("Expected ") + expected + ", received another");
}

}  // namespace

struct Generative::Shared {
  std::mutex lock;
  /** What runs or waits to run. */
  std::shared_ptr<Interrupt> current;
  std::optional<FrameShape> frame;
  std::shared_ptr<TaskThread> aborts = std::make_shared<TaskThread>("hailo-abort", 4);
};

void Generation::abort() {
  interrupt_->request();
}

Generative::Generative(std::shared_ptr<Device> device, GenerativeKind kind, std::string path,
                       Told<GenerativeFacts> told)
    : shared_(std::make_shared<Shared>()), resident_(std::move(device), "hailo-language") {
  const auto make = [kind, path = std::move(path)](std::shared_ptr<hailort::VDevice> on) {
    return loadGenerative(std::move(on), kind, path);
  };
  resident_.load(make, std::move(told), [shared = shared_](GenerativeNetwork& network) {
    const auto facts = network.facts();
    const std::lock_guard guard(shared->lock);
    shared->frame = facts.frame;
    return facts;
  });
}

Generative::~Generative() {
  abortCurrent();
}

void Generative::checkPrompt(const Prompt& prompt) const {
  check(!prompt.messages.empty(), "at least one message");
  check(prompt.temperature.value_or(1) > 0, "a temperature above 0");
  check(prompt.topP.value_or(0) >= 0 && prompt.topP.value_or(0) <= 1, "topP to be 0 to 1");
  check(prompt.topK.value_or(1) >= 1, "topK of at least 1");
  check(prompt.frequencyPenalty.value_or(1) != 0, "a frequency penalty that is not 0");
  check(prompt.maxTokens.value_or(1) >= 1, "a limit of at least 1 token");
  const std::lock_guard guard(shared_->lock);
  check(prompt.frames.empty() || shared_->frame.has_value(), "no frames for a language model");
  for (const auto& frame : prompt.frames) {
    if (frame.size() != shared_->frame->bytes)
      throw Error(ErrorCode::invalid, "Expected frames of " + std::to_string(shared_->frame->bytes) +
                                          " bytes, received one of " + std::to_string(frame.size()));
  }
}

std::shared_ptr<Generation> Generative::generate(Prompt prompt, OnToken onToken, Told<Generated> told) {
  checkPrompt(prompt);
  auto interrupt = std::make_shared<Interrupt>(shared_->aborts);
  {
    const std::lock_guard guard(shared_->lock);
    if (shared_->current) throw Error(ErrorCode::busy, "Expected one generation at a time, received a second");
    shared_->current = interrupt;
  }
  const auto forget = [shared = shared_] {
    const std::lock_guard guard(shared->lock);
    shared->current.reset();
  };
  const Told<Generated> tell = [forget, told = std::move(told)](Outcome<Generated> outcome) {
    forget();
    told(std::move(outcome));
  };
  try {
    resident_.generate(tell, [prompt = std::move(prompt), onToken = std::move(onToken), interrupt](
                                 GenerativeNetwork& network) { return run(network, prompt, onToken, *interrupt); });
  } catch (const Error&) {
    forget();
    throw;
  }
  return std::make_shared<Generation>(std::move(interrupt));
}

void Generative::abortCurrent() {
  std::shared_ptr<Interrupt> current;
  {
    const std::lock_guard guard(shared_->lock);
    current = shared_->current;
  }
  if (current) current->request();
}

void Generative::tokenise(std::string text, Told<std::vector<int>> told) {
  resident_.call(std::move(told),
                 [text = std::move(text)](GenerativeNetwork& network) { return network.tokenise(text); });
}

void Generative::contextUsed(Told<std::size_t> told) {
  resident_.call(std::move(told), [](GenerativeNetwork& network) { return network.contextUsed(); });
}

void Generative::clearContext(Told<std::monostate> told) {
  resident_.call(std::move(told), [](GenerativeNetwork& network) {
    network.clearContext();
    return std::monostate();
  });
}

void Generative::saveContext(Told<std::vector<std::uint8_t>> told) {
  resident_.call(std::move(told), [](GenerativeNetwork& network) { return network.saveContext(); });
}

void Generative::loadContext(std::vector<std::uint8_t> context, Told<std::monostate> told) {
  resident_.call(std::move(told), [context = std::move(context)](GenerativeNetwork& network) {
    network.loadContext(context);
    return std::monostate();
  });
}

void Generative::setStopTokens(std::vector<std::string> tokens, Told<std::monostate> told) {
  resident_.call(std::move(told), [tokens = std::move(tokens)](GenerativeNetwork& network) {
    network.setStopTokens(tokens);
    return std::monostate();
  });
}

void Generative::close(Told<std::monostate> told) {
  abortCurrent();
  resident_.close(std::move(told));
}

}  // namespace hailstream::hailo

#endif
