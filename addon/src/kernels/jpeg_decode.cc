#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "core/error.h"
#include "kernels/jpeg.h"
#include "kernels/turbo.h"
#include "kernels/yuv.h"

namespace hailstream {
namespace {

/** TJFLAG_LIMITSCANS: a small progressive file with thousands of scans would keep a thread busy for minutes. */
constexpr int decodeFlags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;

struct Header {
  Size size;
  int subsampling;
  int colorspace;
};

Header readHeader(std::span<const std::uint8_t> jpeg) {
  int width = 0, height = 0, subsampling = -1, colorspace = -1;
  const int result =
      tjDecompressHeader3(turboDecoder(), jpeg.data(), jpeg.size(), &width, &height, &subsampling, &colorspace);
  const bool failed = result != 0 && tjGetErrorCode(turboDecoder()) == TJERR_FATAL;
  if (failed || width <= 0 || height <= 0) rejectTurbo(turboDecoder());
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

  int width() const { return static_cast<int>(size.width); }
  int height() const { return static_cast<int>(size.height); }
};

void decodeToRgb(const Source& source, std::uint8_t* target) {
  checkTurbo(turboDecoder(),
             tjDecompress2(turboDecoder(), source.jpeg.data(), source.jpeg.size(), target, source.width(),
                           static_cast<int>(rgbStride(source.size.width)), source.height(), TJPF_RGB, decodeFlags));
}

/** Decodes to full-range planes of the JPEG's own subsampling. */
void decodeOwnPlanes(const Source& source, Planes planes) {
  checkTurbo(turboDecoder(),
             tjDecompressToYUVPlanes(turboDecoder(), source.jpeg.data(), source.jpeg.size(), planes.data.data(),
                                     source.width(), planes.strides.data(), source.height(), decodeFlags));
}

/** A chroma plane of the JPEG's own size. */
struct OwnChroma {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t width;
  std::size_t height;
  int stride;
};

OwnChroma ownChroma(const Source& source) {
  const auto width = static_cast<std::size_t>(tjPlaneWidth(1, source.width(), source.header.subsampling));
  const auto height = static_cast<std::size_t>(tjPlaneHeight(1, source.height(), source.header.subsampling));
  return {std::make_unique_for_overwrite<std::uint8_t[]>(width * height), width, height, static_cast<int>(width)};
}

/** Means of 2 × 1, 1 × 2 or 2 × 2 samples, so that the chroma of 4:2:2, 4:4:0 or 4:4:4 becomes that of 4:2:0. */
void averageChroma(const OwnChroma& chroma, const Size& size, std::uint8_t* target, int stride) {
  const std::size_t width = (size.width + 1) / 2, height = (size.height + 1) / 2;
  const std::size_t stepX = chroma.width > width ? 2 : 1, stepY = chroma.height > height ? 2 : 1;
  for (std::size_t y = 0; y < height; y++) {
    const std::uint8_t* upper = chroma.data.get() + y * stepY * chroma.width;
    const std::uint8_t* lower = chroma.data.get() + std::min(y * stepY + stepY - 1, chroma.height - 1) * chroma.width;
    std::uint8_t* out = target + y * static_cast<std::size_t>(stride);
    if (stepX == 1)
      for (std::size_t x = 0; x < width; x++) out[x] = static_cast<std::uint8_t>((upper[x] + lower[x] + 1) / 2);
    else
      for (std::size_t x = 0; x < width; x++) {
        const std::size_t right = std::min(2 * x + 1, chroma.width - 1);
        out[x] = static_cast<std::uint8_t>((upper[2 * x] + lower[2 * x] + upper[right] + lower[right] + 2) / 4);
      }
  }
}

void decodeAveraging(const Source& source, const Planes& planes) {
  const OwnChroma u = ownChroma(source), v = ownChroma(source);
  decodeOwnPlanes(source, {{planes.data[0], u.data.get(), v.data.get()}, {planes.strides[0], u.stride, v.stride}});
  averageChroma(u, source.size, planes.data[1], planes.strides[1]);
  averageChroma(v, source.size, planes.data[2], planes.strides[2]);
}

void decodeGrey(const Source& source, const Planes& planes) {
  decodeOwnPlanes(source, planes);
  const std::size_t height = (source.size.height + 1) / 2;
  for (std::size_t i = 1; i < 3; i++)
    std::memset(planes.data[i], 128, static_cast<std::size_t>(planes.strides[i]) * height);
}

void decodeByRgb(const Source& source, Planes planes) {
  const std::size_t stride = rgbStride(source.size.width);
  const auto rgb = std::make_unique_for_overwrite<std::uint8_t[]>(stride * source.size.height);
  decodeToRgb(source, rgb.get());
  checkTurbo(turboEncoder(),
             tjEncodeYUVPlanes(turboEncoder(), rgb.get(), source.width(), static_cast<int>(stride), source.height(),
                               TJPF_RGB, planes.data.data(), planes.strides.data(), TJSAMP_420, TJFLAG_ACCURATEDCT));
}

/** Decodes to full-range 4:2:0 planes, whatever the JPEG's subsampling and colours. */
void decodeToPlanes(const Source& source, const Planes& planes) {
  const int subsampling = source.header.subsampling;
  if (source.header.colorspace == TJCS_GRAY) return decodeGrey(source, planes);
  if (source.header.colorspace != TJCS_YCbCr) return decodeByRgb(source, planes);
  if (subsampling == TJSAMP_420) return decodeOwnPlanes(source, planes);
  if (subsampling == TJSAMP_422 || subsampling == TJSAMP_444 || subsampling == TJSAMP_440)
    return decodeAveraging(source, planes);
  decodeByRgb(source, planes);
}

void mapPlane(const Planes& planes, std::size_t plane, const Plane& size, const RangeMap& map) {
  for (std::size_t y = 0; y < size.height; y++) {
    std::uint8_t* row = planes.data[plane] + y * static_cast<std::size_t>(planes.strides[plane]);
    mapRow(row, row, size.width, map);
  }
}

void decodeToI420(const Source& source, std::uint8_t* target) {
  const Layout layout = layoutOf(PixelFormat::i420, source.size.width, source.size.height);
  const Planes planes = planesOf(layout, target);
  decodeToPlanes(source, planes);
  mapPlane(planes, 0, layout.planes[0], lumaToLimited);
  mapPlane(planes, 1, layout.planes[1], chromaToLimited);
  mapPlane(planes, 2, layout.planes[2], chromaToLimited);
}

void decodeToNv12(const Source& source, std::uint8_t* target) {
  const Layout planar = layoutOf(PixelFormat::i420, source.size.width, source.size.height);
  const Layout layout = layoutOf(PixelFormat::nv12, source.size.width, source.size.height);
  const std::size_t lumaBytes = planar.planes[1].offset;
  const auto chroma = std::make_unique_for_overwrite<std::uint8_t[]>(planar.bytes - lumaBytes);
  Planes planes = planesOf(planar, target);
  for (std::size_t i = 1; i < 3; i++) planes.data[i] = chroma.get() + (planar.planes[i].offset - lumaBytes);
  decodeToPlanes(source, planes);
  mapPlane(planes, 0, layout.planes[0], lumaToLimited);
  const Plane& interleaved = layout.planes[1];
  const std::size_t stride = planar.planes[1].stride;
  for (std::size_t y = 0; y < interleaved.height; y++)
    mapInterleaving(planes.data[1] + y * stride, planes.data[2] + y * stride,
                    target + interleaved.offset + y * interleaved.stride, interleaved.width, chromaToLimited);
}

void decodeTo(const Source& source, PixelFormat format, std::uint8_t* target) {
  if (format == PixelFormat::rgb) return decodeToRgb(source, target);
  if (format == PixelFormat::i420) return decodeToI420(source, target);
  decodeToNv12(source, target);
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
  decodeTo(source, limits.format, target.data());
  return {source.size, header.size, bytes};
}

}  // namespace hailstream
