#include <algorithm>
#include <limits>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "binding/options.h"
#include "binding/pool.h"
#include "kernels/mask_runs.h"

namespace hailstream {
namespace {

constexpr std::uint32_t mostTensors = 64;
constexpr std::uint32_t mostAxes = 8;
constexpr std::int64_t mostRows = 100'000;
constexpr std::uint32_t mostClasses = 65'536;

Napi::Array readArray(const Napi::Value& value, const std::string& name, std::uint32_t most) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "Expected " + name + " to be an array");
  const auto array = value.As<Napi::Array>();
  if (array.Length() <= most) return array;
  throw Napi::TypeError::New(value.Env(), "Expected " + name + " to have at most " + std::to_string(most) +
                                              " elements, received " + std::to_string(array.Length()));
}

TensorView readTensor(const Napi::Value& value, const std::string& name) {
  const auto tensor = readObject(value, name.c_str());
  const Napi::Value data = tensor.Get("data");
  if (!data.IsTypedArray() || data.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    throw Napi::TypeError::New(value.Env(), "Expected " + name + ".data to be a Float32Array");
  const auto values = data.As<Napi::Float32Array>();
  const auto shape = readArray(tensor.Get("shape"), name + ".shape", mostAxes);
  TensorView view{{values.Data(), values.ElementLength()}, {}};
  double product = 1;
  for (std::uint32_t axis = 0; axis < shape.Length(); axis++) {
    view.shape.push_back(readInteger(shape.Get(axis), (name + ".shape").c_str(), 0, UINT32_MAX));
    product *= static_cast<double>(view.shape.back());
  }
  if (product == static_cast<double>(view.data.size())) return view;
  throw Error(ErrorCode::invalid, "Expected " + name + ".data to hold " + shapeText(view.shape) + " values, received " +
                                      std::to_string(view.data.size()));
}

std::vector<TensorView> readTensors(const Napi::Value& value) {
  const auto array = readArray(value, "tensors", mostTensors);
  std::vector<TensorView> tensors;
  for (std::uint32_t i = 0; i < array.Length(); i++) {
    tensors.push_back(readTensor(array.Get(i), "tensors[" + std::to_string(i) + "]"));
  }
  return tensors;
}

std::vector<std::uint32_t> readClasses(const Napi::Value& value) {
  const auto array = readArray(value, "classes", mostClasses);
  std::vector<std::uint32_t> classes;
  for (std::uint32_t i = 0; i < array.Length(); i++) {
    classes.push_back(static_cast<std::uint32_t>(readInteger(array.Get(i), "classes", 0, UINT32_MAX)));
  }
  std::ranges::sort(classes);
  return classes;
}

Affine readAffine(const Napi::Value& value, const char* name) {
  constexpr double most = std::numeric_limits<float>::max();
  const auto array = readArray(value, name, 6);
  Affine affine;
  for (std::uint32_t i = 0; i < affine.size(); i++) affine[i] = readNumber(array.Get(i), name, -most, most);
  return affine;
}

DecodeOptions readOptions(const Napi::Object& from) {
  constexpr double side = maxSide;
  DecodeOptions options = readDecodeLimits(from);
  options.inputWidth = readNumber(from.Get("inputWidth"), "inputWidth", 1, side);
  options.inputHeight = readNumber(from.Get("inputHeight"), "inputHeight", 1, side);
  options.toSource = readAffine(from.Get("toSource"), "toSource");
  options.sourceWidth = readNumber(from.Get("sourceWidth"), "sourceWidth", 1, side);
  options.sourceHeight = readNumber(from.Get("sourceHeight"), "sourceHeight", 1, side);
  return options;
}

Napi::Float32Array toJsRows(Napi::Env env, const std::vector<float>& rows) {
  auto array = Napi::Float32Array::New(env, rows.size());
  std::ranges::copy(rows, array.Data());
  return array;
}

Napi::Value decode(const Napi::CallbackInfo& info) {
  const auto options = readObject(info[1], "options");
  const Kernel& kernel = findKernel(readText(options.Get("kernel"), "kernel"));
  const DecodeOptions asked = readOptions(options);
  return toJsRows(info.Env(), kernel.decode(readTensors(info[0]), asked));
}

const Kernel& findMaskKernel(const std::string& name) {
  const Kernel& kernel = findKernel(name);
  if (kernel.decodeMasks != nullptr) return kernel;
  throw Error(ErrorCode::invalid, "Expected a kernel whose rows have masks, received " + name);
}

Napi::Value decodeMasks(const Napi::CallbackInfo& info) {
  const auto pool = readPool(info[0]);
  const auto options = readObject(info[3], "options");
  const Kernel& kernel = findMaskKernel(readText(options.Get("kernel"), "kernel"));
  const DecodeOptions asked = readOptions(options);
  MaskSheet masks(pool->slot(static_cast<std::size_t>(readInteger(info[2], "slot", 0, INT32_MAX))));
  const auto rows = kernel.decodeMasks(readTensors(info[1]), asked, masks);
  Napi::Object map = Napi::Object::New(info.Env());
  map["width"] = static_cast<double>(masks.width());
  map["height"] = static_cast<double>(masks.height());
  map["bytes"] = static_cast<double>(masks.bytesUsed());
  Napi::Object result = Napi::Object::New(info.Env());
  result["rows"] = toJsRows(info.Env(), rows);
  result["map"] = map;
  return result;
}

Napi::Value decodeSegments(const Napi::CallbackInfo& info) {
  const auto options = readObject(info[1], "options");
  const Kernel& kernel = findMaskKernel(readText(options.Get("kernel"), "kernel"));
  const DecodeOptions asked = readOptions(options);
  const auto tensors = readTensors(info[0]);
  const auto found = decodeRuns(asked, [&](MaskSheet& masks) { return kernel.decodeMasks(tensors, asked, masks); });
  Napi::Object result = Napi::Object::New(info.Env());
  result["rows"] = toJsRows(info.Env(), found.rows);
  result["masks"] = toJsTexts(info.Env(), found.runs);
  return result;
}

Napi::Value listKernels(const Napi::CallbackInfo& info) {
  const auto names = Napi::Array::New(info.Env());
  for (const auto& kernel : kernels()) names.Set(names.Length(), std::string(kernel.name));
  return names;
}

}  // namespace

Napi::Array toJsTexts(Napi::Env env, const std::vector<std::string>& texts) {
  const auto array = Napi::Array::New(env, texts.size());
  for (std::uint32_t i = 0; i < texts.size(); i++) array.Set(i, texts[i]);
  return array;
}

DecodeOptions readDecodeLimits(const Napi::Object& from) {
  DecodeOptions options;
  options.minScore = static_cast<float>(readNumber(from.Get("minScore"), "minScore", 0, 1));
  options.iou = static_cast<float>(readNumber(from.Get("iou"), "iou", 0, 1));
  options.maxRows = static_cast<std::size_t>(readInteger(from.Get("maxRows"), "maxRows", 0, mostRows));
  options.classes = readClasses(from.Get("classes"));
  const Napi::Value activated = from.Get("activated");
  if (!activated.IsUndefined()) options.activated = readBoolean(activated, "activated");
  return options;
}

void registerDecode(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "decodeKernels", listKernels);
  exportFunction(env, exports, "decode", decode);
  exportFunction(env, exports, "decodeMasks", decodeMasks);
  exportFunction(env, exports, "decodeSegments", decodeSegments);
  exportFunction(env, exports, "decodeWidth", [](const Napi::CallbackInfo& info) {
    const auto& kernel = findKernel(readText(info[0], "kernel"));
    return Napi::Number::New(info.Env(), static_cast<double>(kernel.width));
  });
}

}  // namespace hailstream
