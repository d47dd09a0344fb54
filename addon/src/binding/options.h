#pragma once

#include <napi.h>

#include <string>
#include <variant>
#include <vector>

#include "core/image.h"
#include "kernels/fit.h"
#include "kernels/kernel.h"

namespace hailstream {

/** `mode` of FitOptions in engine/native/addon.ts. */
std::variant<Letterbox, Stretch, CropBox, Affine> readFitMode(const Napi::Value& value);

/** What DecodeOptions in engine/native/addon.ts asks of the rows; sizes and the way to the source are left unset. */
DecodeOptions readDecodeLimits(const Napi::Object& from);

Napi::Array toJsTexts(Napi::Env env, const std::vector<std::string>& texts);

}  // namespace hailstream
