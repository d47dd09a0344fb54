#include "kernels/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "kernels/fit.h"

using namespace hailstream;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr PixelFormat formats[] = {PixelFormat::rgb, PixelFormat::nv12, PixelFormat::i420};

/** A smooth picture that JPEG keeps well: packed RGB in our layout. */
Bytes smoothPicture(std::size_t width, std::size_t height) {
  Bytes rgb(layoutOf(PixelFormat::rgb, width, height).bytes);
  for (std::size_t y = 0; y < height; y++)
    for (std::size_t x = 0; x < width; x++) {
      std::uint8_t* pixel = rgb.data() + y * rgbStride(width) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(128 + 100 * std::sin(double(x) / 20));
      pixel[1] = static_cast<std::uint8_t>(128 + 100 * std::sin(double(y) / 25));
      pixel[2] = static_cast<std::uint8_t>(128 + 60 * std::cos(double(x + y) / 30));
    }
  return rgb;
}

/** The smooth picture as JPEG, encoded by libjpeg-turbo itself. */
Bytes smoothJpeg(std::size_t width, std::size_t height, int subsampling = TJSAMP_420, int flags = 0) {
  const Bytes rgb = smoothPicture(width, height);
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(encoder, rgb.data(), int(width), int(rgbStride(width)), int(height), TJPF_RGB, &bytes, &size, subsampling,
              95, flags);
  const Bytes jpeg(bytes, bytes + size);
  tjFree(bytes);
  tjDestroy(encoder);
  return jpeg;
}

Bytes toRgb(const ImageView& image) {
  Bytes rgb(layoutOf(PixelFormat::rgb, image.width, image.height).bytes);
  convertToRgb(image, image.width, image.height, rgb);
  return rgb;
}

/** The mean absolute difference of two packed RGB pictures of a size. */
double difference(const Bytes& a, const Bytes& b, std::size_t width, std::size_t height) {
  double sum = 0;
  for (std::size_t y = 0; y < height; y++)
    for (std::size_t i = 0; i < 3 * width; i++)
      sum += std::abs(int(a[y * rgbStride(width) + i]) - int(b[y * rgbStride(width) + i]));
  return sum / double(3 * width * height);
}

/** The mean difference to the smooth picture when every pixel stands for `step` × `step` of its pixels. */
double reducedDifference(const Bytes& rgb, std::size_t width, std::size_t height, double step) {
  const std::size_t wide = 256;
  const Bytes whole = smoothPicture(wide, wide);
  const CropBox box{0, 0, double(width) * step, double(height) * step};
  std::vector<float> expected(3 * width * height);
  fit({PixelFormat::rgb, wide, wide, whole.data()}, {width, height, box, false, 0, {}, {1, 1, 1}}, expected);
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); i++)
    sum += std::abs(double(rgb[i / (3 * width) * rgbStride(width) + i % (3 * width)]) - double(expected[i]));
  return sum / double(expected.size());
}

struct Decoded {
  DecodedJpeg info;
  Bytes rgb;
};

Decoded decode(const Bytes& jpeg, PixelFormat format, std::size_t maxWidth = 4000, std::size_t maxHeight = 4000) {
  Bytes slot(1 << 20);
  const DecodedJpeg info = decodeJpeg(jpeg, {format, maxWidth, maxHeight}, slot);
  check::equals(info.bytes, layoutOf(format, info.size.width, info.size.height).bytes);
  return {info, toRgb({format, info.size.width, info.size.height, slot.data()})};
}

ErrorCode codeOf(const std::function<void()>& work) {
  return check::throws<Error>(work).code();
}

}  // namespace

TEST("decodes every subsampling, grey and progressive files to every format, at odd sizes too") {
  for (const auto& [width, height] :
       {std::pair<std::size_t, std::size_t>{160, 96}, {161, 97}, {37, 50}, {1, 1}, {2, 9}})
    for (const int subsampling : {TJSAMP_420, TJSAMP_422, TJSAMP_444, TJSAMP_440, TJSAMP_411})
      for (const PixelFormat format : formats) {
        const Decoded decoded = decode(smoothJpeg(width, height, subsampling, TJFLAG_PROGRESSIVE), format);
        check::equals(decoded.info.size.width, width);
        check::isTrue(difference(decoded.rgb, smoothPicture(width, height), width, height) < 3.5, "the same picture");
      }
}

TEST("decodes a grey file to grey") {
  for (const PixelFormat format : formats) {
    const Decoded decoded = decode(smoothJpeg(33, 21, TJSAMP_GRAY), format);
    for (std::size_t y = 0; y < 21; y++)
      for (std::size_t x = 0; x < 33; x++) {
        const std::uint8_t* pixel = decoded.rgb.data() + y * rgbStride(33) + 3 * x;
        check::isNear(pixel[0], pixel[1], 1);
        check::isNear(pixel[2], pixel[1], 1);
      }
  }
}

TEST("reduces by the largest eighth that fits") {
  const Bytes jpeg = smoothJpeg(203, 101);
  for (std::size_t eighths = 1; eighths <= 8; eighths++)
    for (const PixelFormat format : formats) {
      const Decoded decoded = decode(jpeg, format, (203 * eighths + 7) / 8, 101);
      check::equals(decoded.info.size.width, (203 * eighths + 7) / 8);
      check::equals(decoded.info.size.height, (101 * eighths + 7) / 8);
      check::equals(decoded.info.original.width, std::size_t{203});
    }
  check::isTrue(codeOf([&] { decode(jpeg, PixelFormat::rgb, 25, 101); }) == ErrorCode::tooLarge, "too large");
}

TEST("keeps the picture when it reduces it") {
  // At an eighth a chroma sample stands for 16 x 16 pixels, and libjpeg-turbo's own 4:2:2 is coarser still.
  for (std::size_t eighths = 1; eighths <= 8; eighths++)
    for (const PixelFormat format : formats)
      for (const int subsampling : {TJSAMP_420, TJSAMP_422, TJSAMP_444}) {
        const std::size_t width = 26 * eighths, height = 14 * eighths;
        const Decoded decoded = decode(smoothJpeg(208, 112, subsampling), format, width, height);
        check::isNear(reducedDifference(decoded.rgb, width, height, 8.0 / double(eighths)), 0, eighths == 1 ? 7 : 1.5);
      }
}

TEST("refuses a file cut off anywhere, and what is no JPEG") {
  const Bytes jpeg = smoothJpeg(80, 64);
  for (std::size_t length = 0; length < jpeg.size() - 2; length += 13) {
    const Bytes cut(jpeg.begin(), jpeg.begin() + std::ptrdiff_t(length));
    check::isTrue(codeOf([&] { decode(cut, PixelFormat::i420); }) == ErrorCode::invalid, "invalid");
  }
  check::isTrue(codeOf([] { readJpegSize(Bytes(100, 7)); }) == ErrorCode::invalid, "invalid");
}

TEST("decodes a good file after any broken one") {
  const Bytes jpeg = smoothJpeg(16, 16);
  for (std::size_t length = 0; length < jpeg.size() - 2; length++) {
    const Bytes cut(jpeg.begin(), jpeg.begin() + std::ptrdiff_t(length));
    check::throws<Error>([&] { decode(cut, PixelFormat::nv12); });
    check::equals(readJpegSize(jpeg).width, std::size_t{16});
    decode(jpeg, PixelFormat::nv12);
  }
}

TEST("survives files with broken bytes: each decodes or is refused") {
  std::mt19937 random(11);
  std::size_t refused = 0;
  for (const int subsampling : {TJSAMP_420, TJSAMP_422, TJSAMP_444, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY})
    for (int round = 0; round < 300; round++) {
      Bytes jpeg = smoothJpeg(40, 33, subsampling, round % 2 == 0 ? TJFLAG_PROGRESSIVE : 0);
      for (int i = 0; i < 3; i++) jpeg[random() % std::min<std::size_t>(jpeg.size(), 700)] = std::uint8_t(random());
      const JpegLimits limits{formats[round % 3], 200, 200};
      Bytes slot(layoutOf(limits.format, 200, 200).bytes);
      try {
        decodeJpeg(jpeg, limits, slot);
      } catch (const Error& error) {
        check::isTrue(error.code() == ErrorCode::invalid || error.code() == ErrorCode::tooLarge, error.what());
        refused++;
      }
    }
  check::isTrue(refused > 300, "most are refused");
}

TEST("refuses a header that promises more pixels than allowed, before decoding any") {
  Bytes jpeg = smoothJpeg(80, 64);
  for (std::size_t i = 0; i + 8 < jpeg.size(); i++)
    if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) {
      jpeg[i + 5] = jpeg[i + 7] = 0x7f;
      break;
    }
  check::isTrue(readJpegSize(jpeg).width > 32000, "a forged header");
  check::isTrue(codeOf([&] { decode(jpeg, PixelFormat::rgb, 32768, 32768); }) == ErrorCode::tooLarge, "too large");
}

TEST("refuses CMYK with a message that says so") {
  const Bytes pixels(4 * 16 * 16, 90);
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(encoder, pixels.data(), 16, 0, 16, TJPF_CMYK, &bytes, &size, TJSAMP_444, 90, 0);
  const Bytes jpeg(bytes, bytes + size);
  tjFree(bytes);
  tjDestroy(encoder);
  const auto error = check::throws<Error>([&] { decode(jpeg, PixelFormat::rgb); });
  check::isTrue(error.code() == ErrorCode::invalid && std::string(error.what()).find("CMYK") != std::string::npos,
                "CMYK");
}

TEST("never writes beyond a slot that is too small") {
  const Bytes jpeg = smoothJpeg(80, 64);
  for (const PixelFormat format : formats) {
    Bytes slot(layoutOf(format, 80, 64).bytes - 1);
    check::isTrue(codeOf([&] { decodeJpeg(jpeg, {format, 80, 64}, slot); }) == ErrorCode::tooLarge, "too large");
  }
  const Bytes picture = smoothPicture(80, 64);
  for (const std::size_t bytes : {0, 1, 100, 1000}) {
    Bytes slot(bytes);
    check::isTrue(codeOf([&] {
                    encodeJpeg({PixelFormat::rgb, 80, 64, picture.data()}, 95, slot);
                  }) == ErrorCode::tooLarge,
                  "too large");
  }
}

TEST("encodes every format so that decoding gives the picture back") {
  for (const auto& [width, height] : {std::pair<std::size_t, std::size_t>{160, 96}, {161, 97}, {1, 1}, {15, 2}})
    for (const PixelFormat format : formats) {
      Bytes slot(1 << 20), encoded(1 << 18);
      decodeJpeg(smoothJpeg(width, height), {format, 4000, 4000}, slot);
      const std::size_t bytes = encodeJpeg({format, width, height, slot.data()}, 95, encoded);
      encoded.resize(bytes);
      check::isTrue(
          difference(decode(encoded, PixelFormat::rgb).rgb, smoothPicture(width, height), width, height) < 4.5,
          "the same picture");
    }
}

TEST("encodes into a slot that is smaller than the worst case but large enough") {
  const Bytes picture = smoothPicture(80, 64);
  Bytes slot(8000);
  const std::size_t bytes = encodeJpeg({PixelFormat::rgb, 80, 64, picture.data()}, 90, slot);
  check::isTrue(bytes > 100 && bytes < slot.size() && slot.size() < tjBufSize(80, 64, TJSAMP_420), "it fits");
}
