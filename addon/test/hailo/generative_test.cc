#include "backends/hailo/generative.h"

#include <atomic>
#include <limits>
#include <mutex>

#include "backends/hailo/speech.h"
#include "standin.h"

using namespace hailstream;
using hailo::Generated;
using hailo::Generation;
using hailo::GenerativeFacts;
using hailo::GenerativeKind;

namespace {

constexpr const char* textModel = "Qwen2.5-1.5B-Instruct";
constexpr const char* visionModel = "Qwen2-VL-2B-Instruct";

/** Loads and first tokens of seconds would make the tests long. */
std::vector<std::string> fast(const char* tokenSpeed = "50") {
  return {"--speed", "100", "--token-speed", tokenSpeed};
}

/** Collects tokens on whatever thread they come. */
struct Tokens {
  std::mutex lock;
  std::string text;
  std::atomic<int> count = 0;

  hailo::OnToken on() {
    return [this](std::string_view token) {
      const std::lock_guard guard(lock);
      text += token;
      count++;
    };
  }
};

struct Loaded {
  std::shared_ptr<hailo::Device> device = openDevice();
  Awaited<GenerativeFacts> loading;
  hailo::Generative model;
  GenerativeFacts facts;

  explicit Loaded(GenerativeKind kind = GenerativeKind::text)
      : model(device, kind, hefOf(kind == GenerativeKind::text ? textModel : visionModel), loading.told()),
        facts(loading.value()) {}

  /** The device outlives what is closed. */
  ~Loaded() {
    model.close([](const Outcome<std::monostate>&) {});
    model.waitForEnd(patience);
  }

  void close(const check::Place place = check::Place::current()) {
    Awaited<std::monostate> closed;
    model.close(closed.told());
    closed.value(place);
  }

  std::size_t contextUsed() {
    Awaited<std::size_t> used;
    model.contextUsed(used.told());
    return used.value();
  }
};

hailo::Prompt prompt(const std::string& words = "Tell me about the harbour") {
  hailo::Prompt prompt;
  prompt.messages = {R"({"role":"user","content":")" + words + R"("})"};
  return prompt;
}

/** The stand-in does as it is told: time enough to end it in the middle. */
hailo::Prompt longAnswer() {
  return prompt("count to 900");
}

}  // namespace

TEST("streams an answer token by token to its end") {
  const StandinDevice standin(fast());
  Loaded loaded;
  check::equals(loaded.facts.contextCapacity, 2048u);
  check::isTrue(!loaded.facts.frame.has_value(), "no frame of a language model");
  Tokens tokens;
  Awaited<Generated> done;
  loaded.model.generate(prompt(), tokens.on(), done.told());
  const auto generated = done.value();
  check::isTrue(generated.ending == hailo::Ending::complete, "a complete answer");
  check::equals(generated.tokens, static_cast<std::size_t>(tokens.count.load()));
  check::isTrue(!tokens.text.empty(), "a text");
  check::isTrue(generated.contextUsed > generated.tokens, "prompt and answer in the context");
}

TEST("stops at the limit of tokens") {
  const StandinDevice standin(fast());
  Loaded loaded;
  Tokens tokens;
  auto asked = prompt();
  asked.maxTokens = 3;
  asked.temperature = 0.5f;
  asked.topP = 0.9f;
  asked.topK = 10;
  asked.frequencyPenalty = 1.1f;
  asked.sample = false;
  asked.seed = 7;
  Awaited<Generated> done;
  loaded.model.generate(asked, tokens.on(), done.told());
  check::isTrue(done.value().ending == hailo::Ending::maxTokens, "the limit");
  check::isTrue(tokens.count <= 3, "at most three tokens");
}

TEST("refuses what cannot be asked, before anything is sent") {
  const StandinDevice standin(fast());
  Loaded loaded;
  const auto refusal = [&](hailo::Prompt asked) {
    return check::throws<Error>([&] { loaded.model.generate(asked, {}, [](const Outcome<Generated>&) {}); }).code();
  };
  check::isTrue(refusal({}) == ErrorCode::invalid, "no message");
  for (int wrong = 0; wrong < 6; wrong++) {
    auto asked = prompt();
    if (wrong == 0) asked.temperature = 0.0f;
    if (wrong == 1) asked.topP = 1.5f;
    if (wrong == 2) asked.topK = 0;
    if (wrong == 3) asked.frequencyPenalty = 0.0f;
    if (wrong == 4) asked.maxTokens = 0;
    if (wrong == 5) asked.frames.push_back({1, 2, 3});
    check::isTrue(refusal(asked) == ErrorCode::invalid, "the code invalid for case " + std::to_string(wrong));
  }
}

TEST("ends a generation soon after it is told to, and the next one runs") {
  const StandinDevice standin(fast("2"));
  Loaded loaded;
  Tokens tokens;
  Awaited<Generated> done;
  const auto generation = loaded.model.generate(longAnswer(), tokens.on(), done.told());
  hasCode(check::throws<Error>([&] { loaded.model.generate(prompt(), {}, [](const Outcome<Generated>&) {}); }),
          ErrorCode::busy);
  becomesTrue([&] { return tokens.count >= 1; }, "a first token");
  generation->abort();
  generation->abort();
  check::isTrue(done.value().ending == hailo::Ending::aborted, "aborted");
  generation->abort();
  auto asked = prompt();
  asked.maxTokens = 1;
  Awaited<Generated> next;
  loaded.model.generate(asked, tokens.on(), next.told());
  next.value();
  check::isTrue(!loaded.device->mustRecycle(), "a device that works");
}

TEST("ends a generation that is aborted before its first token") {
  const StandinDevice standin(fast("2"));
  Loaded loaded;
  Tokens tokens;
  Awaited<Generated> done;
  loaded.model.generate(longAnswer(), tokens.on(), done.told())->abort();
  check::isTrue(done.value().ending == hailo::Ending::aborted, "aborted");
}

TEST("splits texts, and saves, clears and loads its context") {
  const StandinDevice standin(fast());
  Loaded loaded;
  Awaited<std::vector<int>> split;
  loaded.model.tokenise("one two three", split.told());
  check::isTrue(split.value().size() >= 3, "at least three tokens");
  auto asked = prompt();
  asked.maxTokens = 2;
  Awaited<Generated> done;
  loaded.model.generate(
      asked, [](std::string_view) {}, done.told());
  const auto used = done.value().contextUsed;
  Awaited<std::vector<std::uint8_t>> saving;
  loaded.model.saveContext(saving.told());
  const auto saved = saving.value();
  Awaited<std::monostate> cleared;
  loaded.model.clearContext(cleared.told());
  cleared.value();
  check::equals(loaded.contextUsed(), 0u);
  Awaited<std::monostate> restored;
  loaded.model.loadContext(saved, restored.told());
  restored.value();
  check::equals(loaded.contextUsed(), used);
  Awaited<std::monostate> stops;
  loaded.model.setStopTokens({"harbour"}, stops.told());
  stops.value();
}

TEST("shows a vision model frames of the size that it says, and none of another") {
  const StandinDevice standin(fast());
  Loaded loaded(GenerativeKind::vision);
  check::equals(loaded.facts.frame->bytes, 336u * 336 * 3);
  hailo::Prompt asked;
  asked.messages = {R"({"role":"user","content":[{"type":"image"},{"type":"text","text":"What is there?"}]})"};
  asked.frames = {std::vector<std::uint8_t>(10)};
  hasCode(check::throws<Error>([&] { loaded.model.generate(asked, {}, [](const Outcome<Generated>&) {}); }),
          ErrorCode::invalid);
  asked.frames = {std::vector<std::uint8_t>(loaded.facts.frame->bytes, 114)};
  Tokens tokens;
  Awaited<Generated> done;
  loaded.model.generate(asked, tokens.on(), done.told());
  done.value();
  check::isTrue(tokens.count > 0, "an answer");
}

TEST("refuses a second language model while one is on the device, and takes one after it") {
  const StandinDevice standin(fast());
  {
    Loaded first;
    Awaited<GenerativeFacts> second;
    const hailo::Generative other(openDevice(), GenerativeKind::vision, hefOf(visionModel), second.told());
    hasCode(second.error(), ErrorCode::unavailable);
    first.close();
  }
  Loaded after(GenerativeKind::vision);
}

TEST("fails with a need for a new process when the connection is lost in the middle of an answer") {
  StandinDevice standin(fast("2"));
  Loaded loaded;
  Tokens tokens;
  Awaited<Generated> done;
  loaded.model.generate(longAnswer(), tokens.on(), done.told());
  becomesTrue([&] { return tokens.count >= 1; }, "a first token");
  standin.kill();
  hasCode(done.error(), ErrorCode::unavailable);
  check::isTrue(loaded.device->mustRecycle(), "mustRecycle");
  Awaited<std::size_t> used;
  loaded.model.contextUsed(used.told());
  saysRecycle(used.error());
  loaded.close();
}

TEST("gives up on a device that sends no more tokens, also after an abort, without waiting for its destructors") {
  const StandinDevice standin(fast());
  Loaded loaded;
  standin.control(R"({"control":"hang-tokens","after":1})");
  auto asked = prompt();
  asked.firstTokenDeadline = std::chrono::seconds(30);
  asked.tokenDeadline = std::chrono::seconds(1);
  Tokens tokens;
  Awaited<Generated> done;
  const auto generation = loaded.model.generate(asked, tokens.on(), done.told());
  becomesTrue([&] { return tokens.count >= 1; }, "a first token");
  generation->abort();
  hasCode(done.error(), ErrorCode::timeout);
  check::isTrue(loaded.device->mustRecycle(), "mustRecycle");
  loaded.close();
}

TEST("ends what runs when it is closed") {
  const StandinDevice standin(fast("2"));
  Loaded loaded;
  Tokens tokens;
  Awaited<Generated> done;
  loaded.model.generate(longAnswer(), tokens.on(), done.told());
  becomesTrue([&] { return tokens.count >= 1; }, "a first token");
  loaded.close();
  check::isTrue(done.value().ending == hailo::Ending::aborted, "aborted");
  becomesTrue([&] { return standin.count("sessions") == 0; }, "the slot to be free");
  loaded.close();
  hasCode(check::throws<Error>([&] { loaded.model.contextUsed([](const Outcome<std::size_t>&) {}); }),
          ErrorCode::closed);
}

TEST("may be let go while it loads or after it could not be loaded") {
  const StandinDevice standin(fast());
  const auto device = openDevice();
  Awaited<GenerativeFacts> failing;
  { const hailo::Generative missing(device, GenerativeKind::text, "/no/such/file.hef", failing.told()); }
  hasCode(failing.error(), ErrorCode::notFound);
  {
    const hailo::Generative loading(device, GenerativeKind::text, hefOf(textModel), [](const auto&) {});
  }
  becomesTrue([&] { return standin.count("sessions") == 0; }, "the slot to be free");
}

TEST("writes down speech beside a language model, and refuses samples that are none") {
  const StandinDevice standin(fast());
  Loaded language;
  Awaited<std::monostate> loading;
  hailo::Speech speech(language.device, hefOf("Whisper-Base"), loading.told());
  loading.value();
  hailo::Utterance utterance;
  const auto ignore = [](const Outcome<std::vector<hailo::Segment>>&) {};
  hasCode(check::throws<Error>([&] { speech.transcribe(utterance, ignore); }), ErrorCode::invalid);
  utterance.samples = {0.1f, std::numeric_limits<float>::quiet_NaN()};
  hasCode(check::throws<Error>([&] { speech.transcribe(utterance, ignore); }), ErrorCode::invalid);
  utterance.samples.assign(32'000, 0.1f);
  utterance.language = "en";
  Awaited<std::vector<hailo::Segment>> heard;
  speech.transcribe(utterance, heard.told());
  for (const auto& segment : heard.value()) check::isTrue(segment.end >= segment.start, "segments in time");
  Awaited<std::monostate> closed;
  speech.close(closed.told());
  closed.value();
  check::equals(standin.count("sessions"), 1);
}
