#include "backends/hailo/status.h"
#include "binding/hailo/handles.h"

#if HAILSTREAM_HAILO_GENAI

#include <string>
#include <utility>

#include "backends/hailo/speech.h"

namespace hailstream {
namespace {

struct LoadedSpeech {
  std::shared_ptr<Settler> settler;
  std::shared_ptr<hailo::Speech> model;
};

hailo::Utterance readUtterance(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    throw Napi::TypeError::New(info.Env(), "Expected samples to be a Float32Array");
  const auto samples = info[0].As<Napi::Float32Array>();
  const Napi::Object options = readObject(info[1], "options");
  hailo::Utterance utterance;
  utterance.samples.assign(samples.Data(), samples.Data() + samples.ElementLength());
  if (!options.Get("translate").IsUndefined()) utterance.translate = readBoolean(options.Get("translate"), "translate");
  if (!options.Get("language").IsUndefined()) utterance.language = readText(options.Get("language"), "language");
  const Napi::Value penalty = options.Get("repetitionPenalty");
  if (!penalty.IsUndefined())
    utterance.repetitionPenalty = static_cast<float>(readNumber(penalty, "repetitionPenalty", 0, 100));
  return utterance;
}

Napi::Value toJsSegments(Napi::Env env, const std::vector<hailo::Segment>& segments) {
  Napi::Array result = Napi::Array::New(env, segments.size());
  for (std::uint32_t i = 0; i < segments.size(); i++) {
    Napi::Object segment = Napi::Object::New(env);
    segment["start"] = segments[i].start;
    segment["end"] = segments[i].end;
    segment["text"] = segments[i].text;
    result[i] = segment;
  }
  return result;
}

Napi::Value toJsSpeech(Napi::Env env, const LoadedSpeech& loaded) {
  Napi::Object handle = Napi::Object::New(env);
  exportFunction(env, handle, "transcribe", [loaded](const Napi::CallbackInfo& info) {
    auto utterance = readUtterance(info);
    return loaded.settler->promise<std::vector<hailo::Segment>>(
        info.Env(),
        [&](Told<std::vector<hailo::Segment>> told) {
          loaded.model->transcribe(std::move(utterance), std::move(told));
        },
        toJsSegments);
  });
  addClose(env, handle, loaded.settler, loaded.model);
  return handle;
}

}  // namespace

Napi::Value loadSpeech(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info) {
  auto path = readText(info[0], "path");
  auto open = device->device();
  const auto loaded = std::make_shared<LoadedSpeech>();
  loaded->settler = device->settler().shared_from_this();
  return loaded->settler->promise<std::monostate>(
      info.Env(),
      [&](Told<std::monostate> told) {
        loaded->model = std::make_shared<hailo::Speech>(std::move(open), std::move(path), std::move(told));
      },
      [loaded](Napi::Env env, std::monostate) { return toJsSpeech(env, *loaded); });
}

}  // namespace hailstream

#else

namespace hailstream {

Napi::Value loadSpeech(const std::shared_ptr<OpenDevice>&, const Napi::CallbackInfo&) {
  throw Error(ErrorCode::unavailable, "Expected HailoRT 5.1.1 or newer for speech models, received an older one");
}

}  // namespace hailstream

#endif
