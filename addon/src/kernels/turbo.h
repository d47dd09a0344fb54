#pragma once

#include <turbojpeg.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/image.h"

/** What encoding and decoding share of libjpeg-turbo's API. */
namespace hailstream {

/** This thread's decoder and encoder: making one costs more than a small picture. Throws `unavailable`. */
tjhandle turboDecoder();
tjhandle turboEncoder();

/** Throws `invalid` with what the handle says. The thread gets new handles, because a failed one may go on failing. */
[[noreturn]] void rejectTurbo(tjhandle handle);

/**
 * Rejects an error or a warning: after a warning part of the picture is made up. Only stray bytes before the end
 * marker, which some cameras leave, harm nothing.
 */
void checkTurbo(tjhandle handle, int result);

/** Y, U and V somewhere in memory. */
struct Planes {
  std::array<std::uint8_t*, 3> data;
  std::array<int, 3> strides;
};

/** The planes of an i420 image. */
Planes planesOf(const Layout& layout, std::uint8_t* data);

}  // namespace hailstream
