#include "backends/hailo/model.h"

#include <algorithm>
#include <string>
#include <utility>

#include "binding/hailo/handles.h"
#include "binding/options.h"
#include "binding/pool.h"

namespace hailstream {
namespace {

constexpr std::int64_t mostDepth = 16;
constexpr std::uint32_t mostInputs = 16;

Napi::Value toJsShape(Napi::Env env, const std::vector<std::size_t>& shape) {
  Napi::Array result = Napi::Array::New(env, shape.size());
  for (std::uint32_t i = 0; i < shape.size(); i++) result[i] = static_cast<double>(shape[i]);
  return result;
}

Napi::Value toJsTensors(Napi::Env env, const std::vector<hailo::Tensor>& tensors) {
  Napi::Array result = Napi::Array::New(env, tensors.size());
  for (std::uint32_t i = 0; i < tensors.size(); i++) {
    Napi::Object tensor = Napi::Object::New(env);
    tensor["name"] = tensors[i].name;
    tensor["type"] = hailo::spell(tensors[i].type);
    tensor["order"] = tensors[i].order;
    tensor["shape"] = toJsShape(env, tensors[i].shape);
    tensor["bytes"] = static_cast<double>(tensors[i].bytes);
    result[i] = tensor;
  }
  return result;
}

hailo::FittedImage readFitted(const ImagePool& pool, const Napi::Value& image, const Napi::Object& options) {
  hailo::FittedImage fitted{readImage(pool, image), {}};
  fitted.options.mode = readFitMode(options.Get("mode"));
  fitted.options.planar = false;
  fitted.options.pad = static_cast<float>(readNumber(options.Get("pad"), "pad", 0, 255));
  return fitted;
}

std::vector<hailo::InputSource> readInputs(const ImagePool& pool, const Napi::Value& value,
                                           const Napi::Object& options) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() > mostInputs)
    throw Napi::TypeError::New(value.Env(), "Expected inputs to be an array of at most " + std::to_string(mostInputs));
  const auto array = value.As<Napi::Array>();
  std::vector<hailo::InputSource> inputs;
  for (std::uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value input = array.Get(i);
    if (input.IsTypedArray()) {
      const auto bytes = readBytes(input, "inputs");
      inputs.emplace_back(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
    } else {
      inputs.emplace_back(readFitted(pool, input, options));
    }
  }
  return inputs;
}

/** Rows are clipped to the first image. */
void setSource(hailo::Inference& inference) {
  auto& options = inference.question.options;
  options.sourceWidth = options.sourceHeight = maxSide;
  if (inference.inputs.empty()) return;
  const auto* first = std::get_if<hailo::FittedImage>(&inference.inputs[0]);
  if (first == nullptr) return;
  options.sourceWidth = static_cast<double>(first->image.width);
  options.sourceHeight = static_cast<double>(first->image.height);
}

hailo::Inference readInference(const Napi::CallbackInfo& info) {
  const auto pool = readPool(info[0]);
  const Napi::Object options = readObject(info[2], "options");
  hailo::Inference inference;
  inference.held = pool;
  inference.inputs = readInputs(*pool, info[1], options);
  inference.question.kernel = readText(options.Get("kernel"), "kernel");
  inference.question.options = readDecodeLimits(options);
  setSource(inference);
  const Napi::Value map = options.Get("map");
  if (!map.IsUndefined())
    inference.question.map = pool->slot(static_cast<std::size_t>(readInteger(map, "map", 0, INT32_MAX)));
  const Napi::Value runs = options.Get("masks");
  if (!runs.IsUndefined()) inference.question.runs = readBoolean(runs, "masks");
  return inference;
}

Napi::Value toJsMap(Napi::Env env, const hailo::Map& map) {
  Napi::Object result = Napi::Object::New(env);
  result["width"] = static_cast<double>(map.width);
  result["height"] = static_cast<double>(map.height);
  result["channels"] = static_cast<double>(map.channels);
  result["type"] = hailo::spell(map.type);
  result["bytes"] = static_cast<double>(map.bytes);
  result["zeroPoint"] = map.quantisation.zeroPoint;
  result["scale"] = map.quantisation.scale;
  return result;
}

Napi::Value toJsAnswer(Napi::Env env, const hailo::Answer& answer) {
  Napi::Object result = Napi::Object::New(env);
  auto rows = Napi::Float32Array::New(env, answer.rows.size());
  std::ranges::copy(answer.rows, rows.Data());
  result["rows"] = rows;
  Napi::Array toSource = Napi::Array::New(env, answer.toSource.size());
  for (std::uint32_t i = 0; i < answer.toSource.size(); i++) toSource[i] = answer.toSource[i];
  result["toSource"] = toSource;
  if (answer.map) result["map"] = toJsMap(env, *answer.map);
  if (answer.runs) result["masks"] = toJsTexts(env, *answer.runs);
  return result;
}

struct LoadedModel {
  std::shared_ptr<Settler> settler;
  std::shared_ptr<hailo::Model> model;
};

Napi::Value infer(const LoadedModel& loaded, const Napi::CallbackInfo& info) {
  auto inference = readInference(info);
  return loaded.settler->promise<hailo::Answer>(
      info.Env(), [&](Told<hailo::Answer> told) { loaded.model->infer(std::move(inference), std::move(told)); },
      toJsAnswer);
}

Napi::Value toJsModel(Napi::Env env, const LoadedModel& loaded, const hailo::ModelFacts& facts) {
  Napi::Object handle = Napi::Object::New(env);
  handle["inputs"] = toJsTensors(env, facts.inputs);
  handle["outputs"] = toJsTensors(env, facts.outputs);
  handle["depth"] = static_cast<double>(facts.depth);
  handle["unmapped"] = static_cast<double>(facts.unmapped);
  exportFunction(env, handle, "infer", [loaded](const Napi::CallbackInfo& info) { return infer(loaded, info); });
  exportFunction(env, handle, "setPriority", [model = loaded.model](const Napi::CallbackInfo& info) {
    model->setPriority(static_cast<std::uint8_t>(readInteger(info[0], "priority", 0, HAILO_SCHEDULER_PRIORITY_MAX)));
    return info.Env().Undefined();
  });
  addClose(env, handle, loaded.settler, loaded.model);
  return handle;
}

hailo::NetworkOptions readNetworkOptions(const Napi::Value& path, const Napi::Value& value) {
  const Napi::Object from = readObject(value, "options");
  hailo::NetworkOptions options;
  options.path = readText(path, "path");
  if (!from.Get("network").IsUndefined()) options.name = readText(from.Get("network"), "network");
  if (!from.Get("depth").IsUndefined())
    options.mostDepth = static_cast<std::size_t>(readInteger(from.Get("depth"), "depth", 1, mostDepth));
  const bool real = !from.Get("realOutputs").IsUndefined() && readBoolean(from.Get("realOutputs"), "realOutputs");
  options.outputs = real ? hailo::OutputTypes::real : hailo::OutputTypes::compact;
  return options;
}

}  // namespace

Napi::Value loadModel(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info) {
  auto options = readNetworkOptions(info[0], info[1]);
  auto open = device->device();
  const auto loaded = std::make_shared<LoadedModel>();
  loaded->settler = device->settler().shared_from_this();
  return loaded->settler->promise<hailo::ModelFacts>(
      info.Env(),
      [&](Told<hailo::ModelFacts> told) {
        loaded->model = std::make_shared<hailo::Model>(std::move(open), std::move(options), std::move(told));
      },
      [loaded](Napi::Env env, const hailo::ModelFacts& facts) { return toJsModel(env, *loaded, facts); });
}

}  // namespace hailstream
