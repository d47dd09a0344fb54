#include <napi.h>

#include "binding/exports.h"

namespace {

Napi::Object registerAll(Napi::Env env, Napi::Object exports) {
  hailstream::registerPool(env, exports);
  hailstream::registerImages(env, exports);
  hailstream::registerJpeg(env, exports);
  hailstream::registerDecode(env, exports);
  hailstream::registerProcess(env, exports);
#ifdef HAILSTREAM_HAILO_SIMULATED
  hailstream::registerHailo(env, exports, HAILSTREAM_HAILO_SIMULATED);
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(hailstream, registerAll)
