#include "kernels/jpeg.h"

#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/yuv.h"

namespace hailstream {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

Handle own(tjhandle handle) {
  if (handle == nullptr)
    throw Error(ErrorCode::unavailable, std::string("Expected libjpeg-turbo to start, received: ") + tjGetErrorStr());
  return Handle(handle);
}

/** This thread's decoder; making one costs more than a small picture. */
tjhandle decoder() {
  thread_local const Handle handle = own(tjInitDecompress());
  return handle.get();
}

tjhandle encoder() {
  thread_local const Handle handle = own(tjInitCompress());
  return handle.get();
}

constexpr int decodeFlags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;

/**
 * Throws for every error and warning: after a warning part of the picture is made up. Only stray bytes before the end
 * marker, which some cameras leave, harm nothing.
 */
void check(tjhandle handle, int result) {
  if (result == 0) return;
  const std::string message = tjGetErrorStr2(handle);
  if (tjGetErrorCode(handle) == TJERR_WARNING && message.ends_with("extraneous bytes before marker 0xd9")) return;
  throw Error(ErrorCode::invalid, "Expected a whole JPEG, received one that libjpeg-turbo finds wrong: " + message);
}

struct Header {
  Size size;
  int subsampling;
  int colorspace;
};

Header readHeader(std::span<const std::uint8_t> jpeg) {
  int width = 0, height = 0, subsampling = -1, colorspace = -1;
  const int result =
      tjDecompressHeader3(decoder(), jpeg.data(), jpeg.size(), &width, &height, &subsampling, &colorspace);
  if ((result != 0 && tjGetErrorCode(decoder()) == TJERR_FATAL) || width <= 0 || height <= 0)
    throw Error(ErrorCode::invalid, std::string("Expected a JPEG, received bytes that libjpeg-turbo finds wrong: ") +
                                        tjGetErrorStr2(decoder()));
  return {{static_cast<std::size_t>(width), static_cast<std::size_t>(height)}, subsampling, colorspace};
}

std::string show(const Size& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

Size reducedSize(const Size& original, const JpegLimits& limits) {
  for (std::size_t eighths = 8; eighths >= 1; eighths--) {
    const Size size{(original.width * eighths + 7) / 8, (original.height * eighths + 7) / 8};
    if (size.width <= limits.maxWidth && size.height <= limits.maxHeight) return size;
  }
  throw Error(ErrorCode::tooLarge, "Expected a JPEG that fits " + show({limits.maxWidth, limits.maxHeight}) +
                                       " at an eighth of its size, received one of " + show(original));
}

struct Source {
  std::span<const std::uint8_t> jpeg;
  Header header;
  Size size;
};

void decodeToRgb(const Source& source, std::uint8_t* target) {
  const int width = static_cast<int>(source.size.width);
  check(decoder(), tjDecompress2(decoder(), source.jpeg.data(), source.jpeg.size(), target, width,
                                 static_cast<int>(rgbStride(source.size.width)), static_cast<int>(source.size.height),
                                 TJPF_RGB, decodeFlags));
}

/** What turbojpeg's YUV calls take: three planes and their strides. */
struct TurboPlanes {
  unsigned char* data[3];
  int strides[3];
};

/** A full-range YUV 4:2:0 picture in the layout of i420. */
struct YuvBuffer {
  explicit YuvBuffer(const Size& size)
      : layout(layoutOf(PixelFormat::i420, size.width, size.height)),
        bytes(std::make_unique_for_overwrite<std::uint8_t[]>(layout.bytes)) {}
  Layout layout;
  std::unique_ptr<std::uint8_t[]> bytes;
};

TurboPlanes turboPlanes(const Layout& layout, std::uint8_t* data) {
  TurboPlanes planes{};
  for (std::size_t i = 0; i < layout.planes.size(); i++) {
    planes.data[i] = data + layout.planes[i].offset;
    planes.strides[i] = static_cast<int>(layout.planes[i].stride);
  }
  return planes;
}

/** Decodes to full-range planes in the layout of i420, whatever the JPEG's subsampling. */
void decodeToPlanes(const Source& source, const Layout& layout, std::uint8_t* target) {
  TurboPlanes planes = turboPlanes(layout, target);
  const int width = static_cast<int>(source.size.width);
  const int height = static_cast<int>(source.size.height);
  const bool yuv = source.header.colorspace == TJCS_YCbCr || source.header.colorspace == TJCS_GRAY;
  if (yuv && (source.header.subsampling == TJSAMP_420 || source.header.subsampling == TJSAMP_GRAY)) {
    check(decoder(), tjDecompressToYUVPlanes(decoder(), source.jpeg.data(), source.jpeg.size(), planes.data, width,
                                             planes.strides, height, decodeFlags));
    if (source.header.subsampling == TJSAMP_GRAY)
      std::memset(target + layout.planes[1].offset, 128, layout.bytes - layout.planes[1].offset);
    return;
  }
  const std::size_t stride = rgbStride(source.size.width);
  const auto rgb = std::make_unique_for_overwrite<std::uint8_t[]>(stride * source.size.height);
  decodeToRgb(source, rgb.get());
  check(encoder(), tjEncodeYUVPlanes(encoder(), rgb.get(), width, static_cast<int>(stride), height, TJPF_RGB,
                                     planes.data, planes.strides, TJSAMP_420, TJFLAG_ACCURATEDCT));
}

void decodeToYuv(const Source& source, PixelFormat format, std::uint8_t* target) {
  if (format == PixelFormat::i420) {
    const Layout layout = layoutOf(format, source.size.width, source.size.height);
    decodeToPlanes(source, layout, target);
    toLimitedRange(layout, target);
    return;
  }
  const YuvBuffer planar(source.size);
  decodeToPlanes(source, planar.layout, planar.bytes.get());
  toLimitedRange(planar.layout, planar.bytes.get());
  interleaveChroma(source.size.width, source.size.height, planar.bytes.get(), target);
}

}  // namespace

Size readJpegSize(std::span<const std::uint8_t> jpeg) {
  return readHeader(jpeg).size;
}

DecodedJpeg decodeJpeg(std::span<const std::uint8_t> jpeg, const JpegLimits& limits, std::span<std::uint8_t> target) {
  const Header header = readHeader(jpeg);
  if (header.size.width * header.size.height > maxJpegPixels)
    throw Error(ErrorCode::tooLarge, "Expected a JPEG of at most " + std::to_string(maxJpegPixels) +
                                         " pixels, received one of " + show(header.size));
  if (header.colorspace == TJCS_CMYK || header.colorspace == TJCS_YCCK)
    throw Error(ErrorCode::invalid, "Expected a JPEG in colour or grey, received one in CMYK: convert it to RGB");
  const Source source{jpeg, header, reducedSize(header.size, limits)};
  const std::size_t bytes = layoutOf(limits.format, source.size.width, source.size.height).bytes;
  if (bytes > target.size())
    throw Error(ErrorCode::tooLarge, "Expected a picture of at most " + std::to_string(target.size()) +
                                         " bytes, received " + show(source.size) + ", which takes " +
                                         std::to_string(bytes));
  if (limits.format == PixelFormat::rgb)
    decodeToRgb(source, target.data());
  else
    decodeToYuv(source, limits.format, target.data());
  return {source.size, header.size, bytes};
}

namespace {

/** Compresses by `call(buffer, size)`, into the target where it is sure to be large enough, else by way of a buffer. */
template <typename Call>
std::size_t compress(const ImageView& image, std::span<std::uint8_t> target, Call call) {
  const std::size_t most = tjBufSize(static_cast<int>(image.width), static_cast<int>(image.height), TJSAMP_420);
  std::unique_ptr<std::uint8_t[]> buffer;
  if (most > target.size()) buffer = std::make_unique_for_overwrite<std::uint8_t[]>(most);
  unsigned char* destination = buffer ? buffer.get() : target.data();
  unsigned long size = most;
  check(encoder(), call(&destination, &size));
  if (size > target.size())
    throw Error(ErrorCode::tooLarge, "Expected a JPEG of at most " + std::to_string(target.size()) +
                                         " bytes, received one of " + std::to_string(size));
  if (buffer) std::memcpy(target.data(), buffer.get(), size);
  return size;
}

}  // namespace

std::size_t encodeJpeg(const ImageView& image, int quality, std::span<std::uint8_t> target) {
  const int width = static_cast<int>(image.width);
  const int height = static_cast<int>(image.height);
  if (image.format == PixelFormat::rgb) {
    const int stride = static_cast<int>(rgbStride(image.width));
    return compress(image, target, [&](unsigned char** destination, unsigned long* size) {
      return tjCompress2(encoder(), image.data, width, stride, height, TJPF_RGB, destination, size, TJSAMP_420, quality,
                         TJFLAG_NOREALLOC);
    });
  }
  const YuvBuffer full({image.width, image.height});
  toFullRange(image, full.bytes.get());
  TurboPlanes planes = turboPlanes(full.layout, full.bytes.get());
  return compress(image, target, [&](unsigned char** destination, unsigned long* size) {
    const unsigned char* sources[3] = {planes.data[0], planes.data[1], planes.data[2]};
    return tjCompressFromYUVPlanes(encoder(), sources, width, planes.strides, height, TJSAMP_420, destination, size,
                                   quality, TJFLAG_NOREALLOC);
  });
}

}  // namespace hailstream
