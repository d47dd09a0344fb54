#include "kernels/resample.h"

#include <algorithm>
#include <cmath>

namespace hailstream {
namespace {

struct Samples {
  const std::uint8_t* data;
  std::size_t stride;
  std::size_t step;
};

double filtered(const Samples& s, const Weights& wx, const Weights& wy, std::size_t x, std::size_t y) {
  double sum = 0;
  for (std::size_t j = 0; j < wy.taps; j++) {
    double line = 0;
    for (std::size_t i = 0; i < wx.taps; i++)
      line += wx.of(x)[i] * s.data[(wy.first[y] + j) * s.stride + (wx.first[x] + i) * s.step];
    sum += line * wy.of(y)[j];
  }
  return sum / (32767.0 * 32767.0);
}

}  // namespace

void resample(const ImageView& image, const Axis& x, const Axis& y, const PixelTarget& target) {
  const Layout layout = layoutOf(image.format, image.width, image.height);
  const bool yuv = image.format != PixelFormat::rgb;
  const bool nv12 = image.format == PixelFormat::nv12;
  Samples s[3];
  for (std::size_t c = 0; c < 3; c++) {
    const Plane& plane = layout.planes[!yuv ? 0 : nv12 ? std::min<std::size_t>(c, 1) : c];
    s[c] = {image.data + plane.offset +
                (!yuv             ? c
                 : nv12 && c == 2 ? 1
                                  : 0),
            plane.stride,
            std::size_t(!yuv            ? 3
                        : nv12 && c > 0 ? 2
                                        : 1)};
  }
  const auto wx = weightsFor(x), wy = weightsFor(y);
  const auto cx = yuv ? weightsFor(halved(x)) : wx, cy = yuv ? weightsFor(halved(y)) : wy;
  for (std::size_t j = 0; j < y.count(); j++)
    for (std::size_t i = 0; i < x.count(); i++) {
      double v[3] = {filtered(s[0], *wx, *wy, i, j), filtered(s[1], *cx, *cy, i, j), filtered(s[2], *cx, *cy, i, j)};
      if (yuv) {
        const double l = 1.164383 * (v[0] - 16), u = v[1] - 128, w = v[2] - 128;
        v[0] = l + 1.596027 * w, v[1] = l - 0.391762 * u - 0.812968 * w, v[2] = l + 2.017232 * u;
      }
      for (std::size_t c = 0; c < 3; c++) {
        const double value = std::clamp(v[c], 0.0, 255.0);
        const std::size_t at = (y.begin + j) * target.row + (x.begin + i) * target.pixel + c * target.channel;
        if (target.floats)
          target.floats[at] = float((value - target.mean[c]) * target.scale[c]);
        else
          target.bytes[at] = static_cast<std::uint8_t>(value + 0.5);
      }
    }
}

}  // namespace hailstream
