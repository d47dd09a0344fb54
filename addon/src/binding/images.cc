#include <cmath>

#include "binding/arguments.h"
#include "binding/async.h"
#include "binding/exports.h"
#include "binding/options.h"
#include "binding/pool.h"
#include "core/error.h"
#include "kernels/fit.h"

namespace hailstream {
namespace {

constexpr double maxCoordinate = 1e6;

Napi::Value imageLayout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Layout layout =
      layoutOf(readFormat(info[0], "format"), static_cast<std::size_t>(readInteger(info[1], "width", 1, maxSide)),
               static_cast<std::size_t>(readInteger(info[2], "height", 1, maxSide)));
  Napi::Array planes = Napi::Array::New(env, layout.planes.size());
  for (std::uint32_t i = 0; i < layout.planes.size(); i++) {
    Napi::Object plane = Napi::Object::New(env);
    plane["offset"] = static_cast<double>(layout.planes[i].offset);
    plane["stride"] = static_cast<double>(layout.planes[i].stride);
    plane["width"] = static_cast<double>(layout.planes[i].width);
    plane["height"] = static_cast<double>(layout.planes[i].height);
    planes[i] = plane;
  }
  Napi::Object result = Napi::Object::New(env);
  result["bytes"] = static_cast<double>(layout.bytes);
  result["planes"] = planes;
  return result;
}

template <std::size_t Count, typename Number>
std::array<Number, Count> readNumbers(const Napi::Value& value, const char* name, double least, double most) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != Count)
    throw Napi::TypeError::New(value.Env(),
                               std::string("Expected ") + name + " to be " + std::to_string(Count) + " numbers");
  std::array<Number, Count> numbers{};
  for (std::uint32_t i = 0; i < Count; i++)
    numbers[i] = static_cast<Number>(readNumber(value.As<Napi::Array>().Get(i), name, least, most));
  return numbers;
}

bool readPlanar(const Napi::Value& value) {
  const std::string layout = readText(value, "layout");
  if (layout != "nhwc" && layout != "nchw")
    throw Napi::TypeError::New(value.Env(), "Expected layout to be nhwc or nchw, received " + layout);
  return layout == "nchw";
}

FitOptions readFitOptions(const Napi::Value& value) {
  constexpr double most = 1e9;
  const Napi::Object options = readObject(value, "options");
  return {static_cast<std::size_t>(readInteger(options.Get("width"), "width", 1, maxSide)),
          static_cast<std::size_t>(readInteger(options.Get("height"), "height", 1, maxSide)),
          readFitMode(options.Get("mode")),
          readPlanar(options.Get("layout")),
          static_cast<float>(readNumber(options.Get("pad"), "pad", 0, 255)),
          readNumbers<3, float>(options.Get("mean"), "mean", -most, most),
          readNumbers<3, float>(options.Get("scale"), "scale", -most, most)};
}

template <typename Target>
Affine fitInto(const ImageView& image, const FitOptions& options, Target target) {
  const std::size_t expected = 3 * options.width * options.height;
  if (target.ElementLength() != expected)
    throw Napi::TypeError::New(target.Env(), "Expected target to have " + std::to_string(expected) +
                                                 " elements, received " + std::to_string(target.ElementLength()));
  return fit(image, options, std::span(target.Data(), target.ElementLength()));
}

Napi::Value fitImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const FitOptions options = readFitOptions(info[3]);
  const auto pool = readPool(info[0]);
  const ImageView image = readImage(*pool, info[1]);
  const auto type = info[2].IsTypedArray() ? info[2].As<Napi::TypedArray>().TypedArrayType() : napi_int8_array;
  if (type != napi_float32_array && type != napi_uint8_array)
    throw Napi::TypeError::New(env, "Expected target to be a Float32Array or Uint8Array");
  const Affine toSource = type == napi_float32_array ? fitInto(image, options, info[2].As<Napi::Float32Array>())
                                                     : fitInto(image, options, info[2].As<Napi::Uint8Array>());
  Napi::Array result = Napi::Array::New(env, toSource.size());
  for (std::uint32_t i = 0; i < toSource.size(); i++) result[i] = toSource[i];
  return result;
}

Napi::Value convert(const Napi::CallbackInfo& info) {
  const auto pool = readPool(info[0]);
  const ImageView image = readImage(*pool, info[1]);
  const auto target = pool->slot(static_cast<std::size_t>(readInteger(info[2], "target", 0, INT32_MAX)));
  const auto width = static_cast<std::size_t>(readInteger(info[3], "width", 1, maxSide));
  const auto height = static_cast<std::size_t>(readInteger(info[4], "height", 1, maxSide));
  if (target.data() == image.data)
    throw Napi::TypeError::New(info.Env(), "Expected target to be another slot than the image's");
  const std::size_t bytes = layoutOf(PixelFormat::rgb, width, height).bytes;
  const auto work = [pool, image, target, width, height, bytes] {
    if (bytes > target.size())
      throw Error(ErrorCode::tooLarge, "Expected an RGB image of at most " + std::to_string(target.size()) +
                                           " bytes, received one of " + std::to_string(bytes));
    convertToRgb(image, width, height, target);
    return bytes;
  };
  return runAsync(info.Env(), work, [width, height](Napi::Env env, std::size_t used) {
    Napi::Object spec = Napi::Object::New(env);
    spec["width"] = static_cast<double>(width);
    spec["height"] = static_cast<double>(height);
    spec["format"] = "rgb";
    spec["bytes"] = static_cast<double>(used);
    return spec;
  });
}

}  // namespace

std::variant<Letterbox, Stretch, CropBox, Affine> readFitMode(const Napi::Value& value) {
  if (value.IsString()) {
    const std::string mode = readText(value, "mode");
    if (mode == "letterbox") return Letterbox{};
    if (mode == "stretch") return Stretch{};
    throw Napi::TypeError::New(value.Env(),
                               "Expected mode to be letterbox, stretch, a box or an affine, received " + mode);
  }
  const Napi::Object mode = readObject(value, "mode");
  if (mode.Has("affine")) return readNumbers<6, double>(mode.Get("affine"), "affine", -maxCoordinate, maxCoordinate);
  const auto box = readNumbers<4, double>(mode.Get("box"), "box", -maxCoordinate, maxCoordinate);
  if (!(box[2] > 0 && box[3] > 0))
    throw Napi::TypeError::New(value.Env(), "Expected box to be wider and higher than 0");
  return CropBox{box[0], box[1], box[2], box[3]};
}

void registerImages(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "imageLayout", imageLayout);
  exportFunction(env, exports, "fit", fitImage);
  exportFunction(env, exports, "convert", convert);
}

}  // namespace hailstream
