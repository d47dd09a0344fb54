#include "backends/hailo/status.h"
#include "binding/hailo/handles.h"

#if HAILSTREAM_HAILO_GENAI

#include <algorithm>
#include <string>
#include <utility>

#include "backends/hailo/generative.h"

namespace hailstream {
namespace {

constexpr std::uint32_t mostTexts = 4096;
constexpr std::int64_t mostTokens = 1'000'000;
constexpr double longestDeadlineMs = 600'000;

struct LoadedLanguage {
  std::shared_ptr<Settler> settler;
  std::shared_ptr<hailo::Generative> model;
};

Napi::Array readArray(const Napi::Value& value, const char* name) {
  if (value.IsArray() && value.As<Napi::Array>().Length() <= mostTexts) return value.As<Napi::Array>();
  throw Napi::TypeError::New(
      value.Env(), std::string("Expected ") + name + " to be an array of at most " + std::to_string(mostTexts));
}

std::vector<std::string> readTexts(const Napi::Value& value, const char* name) {
  std::vector<std::string> texts;
  if (value.IsUndefined()) return texts;
  const auto array = readArray(value, name);
  for (std::uint32_t i = 0; i < array.Length(); i++) texts.push_back(readText(array.Get(i), name));
  return texts;
}

std::vector<std::uint8_t> copyBytes(const Napi::Value& value, const char* name) {
  const auto bytes = readBytes(value, name);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::vector<std::uint8_t>> readFrames(const Napi::Value& value) {
  std::vector<std::vector<std::uint8_t>> frames;
  if (value.IsUndefined()) return frames;
  const auto array = readArray(value, "frames");
  for (std::uint32_t i = 0; i < array.Length(); i++) frames.push_back(copyBytes(array.Get(i), "frames"));
  return frames;
}

std::optional<float> readFloat(const Napi::Object& from, const char* name, double least, double most) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  return static_cast<float>(readNumber(value, name, least, most));
}

std::optional<std::uint32_t> readCount(const Napi::Object& from, const char* name, std::int64_t least,
                                       std::int64_t most) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  return static_cast<std::uint32_t>(readInteger(value, name, least, most));
}

std::chrono::milliseconds readDeadline(const Napi::Object& from, const char* name,
                                       std::chrono::milliseconds otherwise) {
  const auto asked = readFloat(from, name, 1, longestDeadlineMs);
  return asked ? std::chrono::milliseconds(static_cast<std::int64_t>(*asked)) : otherwise;
}

hailo::Prompt readPrompt(const Napi::Value& value) {
  const Napi::Object from = readObject(value, "prompt");
  hailo::Prompt prompt;
  prompt.messages = readTexts(from.Get("messages"), "messages");
  prompt.tools = readTexts(from.Get("tools"), "tools");
  prompt.frames = readFrames(from.Get("frames"));
  prompt.temperature = readFloat(from, "temperature", 0, 100);
  prompt.topP = readFloat(from, "topP", 0, 1);
  prompt.topK = readCount(from, "topK", 1, UINT32_MAX);
  prompt.frequencyPenalty = readFloat(from, "frequencyPenalty", -100, 100);
  prompt.maxTokens = readCount(from, "maxTokens", 1, mostTokens);
  if (!from.Get("sample").IsUndefined()) prompt.sample = readBoolean(from.Get("sample"), "sample");
  prompt.seed = readCount(from, "seed", 0, UINT32_MAX);
  prompt.firstTokenDeadline = readDeadline(from, "firstTokenDeadlineMs", prompt.firstTokenDeadline);
  prompt.tokenDeadline = readDeadline(from, "tokenDeadlineMs", prompt.tokenDeadline);
  return prompt;
}

const char* spell(hailo::Ending ending) {
  if (ending == hailo::Ending::aborted) return "aborted";
  return ending == hailo::Ending::maxTokens ? "max-tokens" : "complete";
}

Napi::Value toJsGenerated(Napi::Env env, const hailo::Generated& generated) {
  Napi::Object result = Napi::Object::New(env);
  result["ending"] = spell(generated.ending);
  result["tokens"] = static_cast<double>(generated.tokens);
  result["contextUsed"] = static_cast<double>(generated.contextUsed);
  return result;
}

/** Starts a generation; gives `{ done, abort }`. */
Napi::Value generate(const LoadedLanguage& loaded, const Napi::CallbackInfo& info) {
  auto prompt = readPrompt(info[0]);
  if (!info[1].IsFunction()) throw Napi::TypeError::New(info.Env(), "Expected onToken to be a function");
  const auto settler = loaded.settler;
  const auto function = settler->keep(info[1].As<Napi::Function>());
  const auto onToken = [settler, function](std::string_view text) {
    settler->hand([settler, function, token = std::string(text)](Napi::Env env) {
      settler->call(env, function, {Napi::String::New(env, token)});
    });
  };
  std::shared_ptr<hailo::Generation> generation;
  Napi::Object result = Napi::Object::New(info.Env());
  result["done"] = settler->promise<hailo::Generated>(
      info.Env(),
      [&](Told<hailo::Generated> told) {
        const auto tell = [settler, function, told = std::move(told)](Outcome<hailo::Generated> outcome) {
          settler->hand([settler, function](Napi::Env) { settler->forget(function); });
          told(std::move(outcome));
        };
        generation = loaded.model->generate(std::move(prompt), onToken, tell);
      },
      toJsGenerated);
  exportFunction(info.Env(), result, "abort", [generation](const Napi::CallbackInfo& call) {
    if (generation) generation->abort();
    return call.Env().Undefined();
  });
  if (!generation) settler->forget(function);
  return result;
}

Napi::Value toJsTokens(Napi::Env env, const std::vector<int>& tokens) {
  auto result = Napi::Int32Array::New(env, tokens.size());
  std::ranges::copy(tokens, result.Data());
  return result;
}

Napi::Value toJsBytes(Napi::Env env, const std::vector<std::uint8_t>& bytes) {
  return Napi::Buffer<std::uint8_t>::Copy(env, bytes.data(), bytes.size());
}

/** Adds a method whose `start(model, info, told)` tells a Value. */
template <typename Value, typename Start, typename ToJs>
void addMethod(Napi::Env env, Napi::Object handle, const LoadedLanguage& loaded, const char* name, Start start,
               ToJs toJs) {
  exportFunction(env, handle, name, [loaded, start, toJs](const Napi::CallbackInfo& info) {
    return loaded.settler->promise<Value>(
        info.Env(), [&](Told<Value> told) { start(*loaded.model, info, std::move(told)); }, toJs);
  });
}

void addContext(Napi::Env env, Napi::Object handle, const LoadedLanguage& loaded) {
  using hailo::Generative;
  using Info = Napi::CallbackInfo;
  const auto toNumber = [](Napi::Env in, std::size_t count) {
    return Napi::Number::New(in, static_cast<double>(count));
  };
  addMethod<std::size_t>(
      env, handle, loaded, "contextUsed",
      [](Generative& model, const Info&, Told<std::size_t> told) { model.contextUsed(std::move(told)); }, toNumber);
  addMethod<std::monostate>(
      env, handle, loaded, "clearContext",
      [](Generative& model, const Info&, Told<std::monostate> told) { model.clearContext(std::move(told)); },
      toUndefined);
  addMethod<std::vector<std::uint8_t>>(
      env, handle, loaded, "saveContext",
      [](Generative& model, const Info&, Told<std::vector<std::uint8_t>> told) { model.saveContext(std::move(told)); },
      toJsBytes);
  addMethod<std::monostate>(
      env, handle, loaded, "loadContext",
      [](Generative& model, const Info& info, Told<std::monostate> told) {
        model.loadContext(copyBytes(info[0], "context"), std::move(told));
      },
      toUndefined);
}

Napi::Value toJsLanguage(Napi::Env env, const LoadedLanguage& loaded, const hailo::GenerativeFacts& facts) {
  Napi::Object handle = Napi::Object::New(env);
  handle["contextCapacity"] = static_cast<double>(facts.contextCapacity);
  if (facts.frame) {
    Napi::Object frame = Napi::Object::New(env);
    frame["height"] = static_cast<double>(facts.frame->height);
    frame["width"] = static_cast<double>(facts.frame->width);
    frame["channels"] = static_cast<double>(facts.frame->channels);
    frame["bytes"] = static_cast<double>(facts.frame->bytes);
    handle["frame"] = frame;
  }
  exportFunction(env, handle, "generate", [loaded](const Napi::CallbackInfo& info) { return generate(loaded, info); });
  addMethod<std::vector<int>>(
      env, handle, loaded, "tokenise",
      [](hailo::Generative& model, const Napi::CallbackInfo& info, Told<std::vector<int>> told) {
        model.tokenise(readText(info[0], "text"), std::move(told));
      },
      toJsTokens);
  addMethod<std::monostate>(
      env, handle, loaded, "setStopTokens",
      [](hailo::Generative& model, const Napi::CallbackInfo& info, Told<std::monostate> told) {
        model.setStopTokens(readTexts(info[0], "tokens"), std::move(told));
      },
      toUndefined);
  addContext(env, handle, loaded);
  addClose(env, handle, loaded.settler, loaded.model);
  return handle;
}

hailo::GenerativeKind readKind(const Napi::Value& value) {
  const std::string kind = readText(value, "kind");
  if (kind == "text") return hailo::GenerativeKind::text;
  if (kind == "vision") return hailo::GenerativeKind::vision;
  throw Napi::TypeError::New(value.Env(), "Expected kind to be text or vision, received " + kind);
}

}  // namespace

Napi::Value loadLanguage(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info) {
  auto path = readText(info[0], "path");
  const auto kind = readKind(info[1]);
  auto open = device->device();
  const auto loaded = std::make_shared<LoadedLanguage>();
  loaded->settler = device->settler().shared_from_this();
  return loaded->settler->promise<hailo::GenerativeFacts>(
      info.Env(),
      [&](Told<hailo::GenerativeFacts> told) {
        loaded->model = std::make_shared<hailo::Generative>(std::move(open), kind, std::move(path), std::move(told));
      },
      [loaded](Napi::Env env, const hailo::GenerativeFacts& facts) { return toJsLanguage(env, *loaded, facts); });
}

}  // namespace hailstream

#else

namespace hailstream {

Napi::Value loadLanguage(const std::shared_ptr<OpenDevice>&, const Napi::CallbackInfo&) {
  throw Error(ErrorCode::unavailable, "Expected HailoRT 5.1.1 or newer for language models, received an older one");
}

}  // namespace hailstream

#endif
