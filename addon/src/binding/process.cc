#include "core/process.h"

#include "binding/arguments.h"
#include "binding/exports.h"

namespace hailstream {
namespace {

Napi::Value discard(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "Expected bytes to be a typed array");
  auto buffer = info[0].As<Napi::TypedArray>().ArrayBuffer();
  if (!buffer.IsDetached()) buffer.Detach();
  return info.Env().Undefined();
}

}  // namespace

void registerProcess(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "dieWithParent", [](const Napi::CallbackInfo& info) {
    dieWithParent(static_cast<int>(readInteger(info[0], "parentPid", 1, INT32_MAX)));
    return info.Env().Undefined();
  });
  exportFunction(env, exports, "discard", discard);
  exportFunction(env, exports, "limitReceiveBuffers", [](const Napi::CallbackInfo& info) {
    const int port = static_cast<int>(readInteger(info[0], "port", 1, UINT16_MAX));
    const int bytes = static_cast<int>(readInteger(info[1], "bytes", 4096, 1 << 30));
    return Napi::Boolean::New(info.Env(), limitReceiveBuffers(port, bytes));
  });
  exportFunction(env, exports, "lockFile", [](const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), lockFile(static_cast<int>(readInteger(info[0], "fd", 0, INT32_MAX))));
  });
  exportFunction(env, exports, "notify", [](const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), notifySystemd(readText(info[0], "state")));
  });
  exportFunction(env, exports, "mapBlocksFrom", [](const Napi::CallbackInfo& info) {
    mapBlocksFrom(static_cast<int>(readInteger(info[0], "bytes", 1, 32 << 20)));
    return info.Env().Undefined();
  });
  exportFunction(env, exports, "trimMemory",
                 [](const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), trimMemory()); });
}

}  // namespace hailstream
