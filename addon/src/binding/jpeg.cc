#include "kernels/jpeg.h"

#include <vector>

#include "binding/arguments.h"
#include "binding/async.h"
#include "binding/exports.h"
#include "binding/pool.h"

namespace hailstream {
namespace {

Napi::Value jpegHeader(const Napi::CallbackInfo& info) {
  const Size size = readJpegSize(readBytes(info[0], "bytes"));
  Napi::Object header = Napi::Object::New(info.Env());
  header["width"] = static_cast<double>(size.width);
  header["height"] = static_cast<double>(size.height);
  return header;
}

std::span<std::uint8_t> readTarget(const ImagePool& pool, const Napi::Value& value) {
  return pool.slot(static_cast<std::size_t>(readInteger(value, "target", 0, INT32_MAX)));
}

const char* spell(PixelFormat format) {
  return format == PixelFormat::rgb ? "rgb" : format == PixelFormat::nv12 ? "nv12" : "i420";
}

Napi::Value decode(const Napi::CallbackInfo& info) {
  const auto pool = readPool(info[0]);
  const auto bytes = readBytes(info[1], "bytes");
  const auto target = readTarget(*pool, info[2]);
  const Napi::Object options = readObject(info[3], "options");
  const JpegLimits limits{readFormat(options.Get("format"), "format"),
                          static_cast<std::size_t>(readInteger(options.Get("maxWidth"), "maxWidth", 1, maxSide)),
                          static_cast<std::size_t>(readInteger(options.Get("maxHeight"), "maxHeight", 1, maxSide))};
  // A copy, because JavaScript may write to the bytes or transfer them while the work is under way.
  auto work = [pool, jpeg = std::vector(bytes.begin(), bytes.end()), target, limits] {
    return decodeJpeg(jpeg, limits, target);
  };
  return runAsync(info.Env(), std::move(work), [format = limits.format](Napi::Env env, const DecodedJpeg& decoded) {
    Napi::Object spec = Napi::Object::New(env);
    spec["width"] = static_cast<double>(decoded.size.width);
    spec["height"] = static_cast<double>(decoded.size.height);
    spec["format"] = spell(format);
    spec["bytes"] = static_cast<double>(decoded.bytes);
    spec["originalWidth"] = static_cast<double>(decoded.original.width);
    spec["originalHeight"] = static_cast<double>(decoded.original.height);
    return spec;
  });
}

Napi::Value encode(const Napi::CallbackInfo& info) {
  const auto pool = readPool(info[0]);
  const ImageView image = readImage(*pool, info[1]);
  const auto target = readTarget(*pool, info[2]);
  const int quality = static_cast<int>(readInteger(readObject(info[3], "options").Get("quality"), "quality", 1, 100));
  if (target.data() == image.data)
    throw Napi::TypeError::New(info.Env(), "Expected target to be another slot than the image's");
  return runAsync(
      info.Env(), [pool, image, target, quality] { return encodeJpeg(image, quality, target); },
      [](Napi::Env env, std::size_t bytes) { return Napi::Number::New(env, static_cast<double>(bytes)); });
}

}  // namespace

void registerJpeg(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "jpegHeader", jpegHeader);
  exportFunction(env, exports, "decodeJpeg", decode);
  exportFunction(env, exports, "encodeJpeg", encode);
}

}  // namespace hailstream
