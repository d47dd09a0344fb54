#include <cstring>
#include <memory>
#include <string>

#include "core/error.h"
#include "kernels/jpeg.h"
#include "kernels/turbo.h"
#include "kernels/yuv.h"

namespace hailstream {
namespace {

/** Compresses by `call(buffer, size)`, into the target where it is sure to be large enough, else by way of a buffer. */
template <typename Call>
std::size_t compress(const ImageView& image, std::span<std::uint8_t> target, Call call) {
  const std::size_t most = tjBufSize(static_cast<int>(image.width), static_cast<int>(image.height), TJSAMP_420);
  std::unique_ptr<std::uint8_t[]> buffer;
  if (most > target.size()) buffer = std::make_unique_for_overwrite<std::uint8_t[]>(most);
  unsigned char* destination = buffer ? buffer.get() : target.data();
  unsigned long size = most;
  checkTurbo(turboEncoder(), call(&destination, &size));
  if (size > target.size())
    throw Error(ErrorCode::tooLarge, "Expected a JPEG of at most " + std::to_string(target.size()) +
                                         " bytes, received one of " + std::to_string(size));
  if (buffer) std::memcpy(target.data(), buffer.get(), size);
  return size;
}

/** Full-range planes of a limited-range nv12 or i420 image. */
void toFullRange(const ImageView& image, const Planes& to) {
  const Layout from = layoutOf(image.format, image.width, image.height);
  const auto row = [&](std::size_t plane, std::size_t y) {
    return image.data + from.planes[plane].offset + y * from.planes[plane].stride;
  };
  for (std::size_t y = 0; y < image.height; y++)
    mapRow(row(0, y), to.data[0] + y * static_cast<std::size_t>(to.strides[0]), image.width, lumaToFull);
  const Plane& chroma = from.planes[1];
  for (std::size_t y = 0; y < chroma.height; y++) {
    std::uint8_t* u = to.data[1] + y * static_cast<std::size_t>(to.strides[1]);
    std::uint8_t* v = to.data[2] + y * static_cast<std::size_t>(to.strides[2]);
    if (image.format == PixelFormat::nv12) {
      mapDeinterleaving(row(1, y), u, v, chroma.width, chromaToFull);
      continue;
    }
    mapRow(row(1, y), u, chroma.width, chromaToFull);
    mapRow(row(2, y), v, chroma.width, chromaToFull);
  }
}

}  // namespace

std::size_t encodeJpeg(const ImageView& image, int quality, std::span<std::uint8_t> target) {
  const int width = static_cast<int>(image.width);
  const int height = static_cast<int>(image.height);
  if (image.format == PixelFormat::rgb)
    return compress(image, target, [&](unsigned char** destination, unsigned long* size) {
      return tjCompress2(turboEncoder(), image.data, width, static_cast<int>(rgbStride(image.width)), height, TJPF_RGB,
                         destination, size, TJSAMP_420, quality, TJFLAG_NOREALLOC);
    });
  const Layout layout = layoutOf(PixelFormat::i420, image.width, image.height);
  const auto full = std::make_unique_for_overwrite<std::uint8_t[]>(layout.bytes);
  const Planes planes = planesOf(layout, full.get());
  toFullRange(image, planes);
  return compress(image, target, [&](unsigned char** destination, unsigned long* size) {
    const unsigned char* sources[3] = {planes.data[0], planes.data[1], planes.data[2]};
    return tjCompressFromYUVPlanes(turboEncoder(), sources, width, planes.strides.data(), height, TJSAMP_420,
                                   destination, size, quality, TJFLAG_NOREALLOC);
  });
}

}  // namespace hailstream
