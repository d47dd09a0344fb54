#include "core/process.h"

#include "binding/arguments.h"
#include "binding/exports.h"

namespace hailstream {

void registerProcess(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "dieWithParent", [](const Napi::CallbackInfo& info) {
    dieWithParent(static_cast<int>(readInteger(info[0], "parentPid", 1, INT32_MAX)));
    return info.Env().Undefined();
  });
  exportFunction(env, exports, "notify", [](const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), notifySystemd(readText(info[0], "state")));
  });
}

}  // namespace hailstream
