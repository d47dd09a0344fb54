#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "core/image.h"
#include "core/image_pool.h"

namespace hailstream {

/** The mapped pool behind a NativePool argument. Throws a TypeError for anything else, `closed` after its close(). */
std::shared_ptr<ImagePool> readPool(const Napi::Value& value);

/** A raw image in a slot, as the argument `image` names it; its planes lie within the slot. */
ImageView readImage(const ImagePool& pool, const Napi::Value& value);

}  // namespace hailstream
