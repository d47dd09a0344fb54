#pragma once

#include <napi.h>

namespace hailstream {

/** Each adds its part's functions to what the module exports; module.cc calls them all, once per environment. */
void registerPool(Napi::Env env, Napi::Object exports);
void registerImages(Napi::Env env, Napi::Object exports);
void registerJpeg(Napi::Env env, Napi::Object exports);
void registerDecode(Napi::Env env, Napi::Object exports);
void registerProcess(Napi::Env env, Napi::Object exports);
/** Only in the variants with HailoRT; `simulated` says that its library is the stand-in. */
void registerHailo(Napi::Env env, Napi::Object exports, bool simulated);

}  // namespace hailstream
