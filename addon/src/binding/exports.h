#pragma once

#include <napi.h>

namespace hailstream {

/** Each adds its part's functions to what the module exports; module.cc calls them all, once per environment. */
void registerPool(Napi::Env env, Napi::Object exports);
void registerImages(Napi::Env env, Napi::Object exports);
void registerJpeg(Napi::Env env, Napi::Object exports);
void registerDecode(Napi::Env env, Napi::Object exports);
void registerProcess(Napi::Env env, Napi::Object exports);

}  // namespace hailstream
