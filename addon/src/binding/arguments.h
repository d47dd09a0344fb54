#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/error.h"
#include "core/image.h"

/** Reading of arguments: what does not fit its type throws a TypeError that names the argument. */
namespace hailstream {

/** The JavaScript error for a C++ one; its `code` is one of engine/errors.ts. */
Napi::Error toJsError(Napi::Env env, ErrorCode code, const std::string& message);
/** The same with what a driver said, as `hailo` of HailoError in engine/native/hailo.ts. */
Napi::Error toJsError(Napi::Env env, const Error& error);

/** Runs `work`, and rethrows a C++ error as the JavaScript one. */
template <typename Work>
auto guarded(Napi::Env env, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& error) {
    throw toJsError(env, error);
  } catch (const std::bad_alloc&) {
    throw toJsError(env, ErrorCode::unavailable, "Expected enough memory, received none");
  }
}

/** Adds a function to the module's exports whose C++ errors become JavaScript's. */
template <typename Function>
void exportFunction(Napi::Env env, Napi::Object exports, const char* name, Function function) {
  auto wrapped = [function](const Napi::CallbackInfo& info) -> Napi::Value {
    return guarded(info.Env(), [&]() -> Napi::Value { return function(info); });
  };
  exports.Set(name, Napi::Function::New(env, wrapped, name));
}

/** A number from `least` to `most`, both included. */
double readNumber(const Napi::Value& value, const char* name, double least, double most);
/** An integer from `least` to `most`, both included; at most 2^53. */
std::int64_t readInteger(const Napi::Value& value, const char* name, std::int64_t least, std::int64_t most);
Napi::Object readObject(const Napi::Value& value, const char* name);
bool readBoolean(const Napi::Value& value, const char* name);
std::string readText(const Napi::Value& value, const char* name);
PixelFormat readFormat(const Napi::Value& value, const char* name);
/** The bytes of a Uint8Array or Buffer; valid while JavaScript does not run. */
std::span<std::uint8_t> readBytes(const Napi::Value& value, const char* name);

}  // namespace hailstream
