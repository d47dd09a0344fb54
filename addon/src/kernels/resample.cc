#include "kernels/resample.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/resample_passes.h"

namespace hailstream {
namespace {

constexpr std::size_t roundUp(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

/** Widest line that a vector of floats may read beyond its count. */
constexpr std::size_t linePadding = 64;

/** Memory that one thread uses again and again, and that only grows. */
class Scratch {
 public:
  std::int16_t* atLeast(std::size_t count) {
    if (count > size_) data_ = hwy::AllocateAligned<std::int16_t>(size_ = count);
    return data_.get();
  }

 private:
  hwy::AlignedFreeUniquePtr<std::int16_t[]> data_;
  std::size_t size_ = 0;
};

struct ThreadScratch {
  Scratch lines, columns, filtered;
  std::array<Scratch, 3> channels;
};

/** A plane of one, two or three interleaved channels, and how the target lies on it. */
struct Band {
  const std::uint8_t* data;
  std::size_t stride;
  std::size_t channels;
  /** Which of the image's three channels comes first in it. */
  std::size_t firstChannel;
  std::shared_ptr<const Weights> x;
  std::shared_ptr<const Weights> y;

  /** Whether the target's pixels are the source's, one by one, so that nothing is to be filtered along the lines. */
  bool copiesLines() const { return channels == 1 && x->copies; }
  /** Samples of a row that the target needs. */
  std::size_t firstSample() const { return x->first.front() * channels; }
  std::size_t samples() const { return (x->first.back() + x->taps) * channels - firstSample(); }
};

std::vector<Band> bandsOf(const ImageView& image, const Axis& x, const Axis& y) {
  const Layout layout = layoutOf(image.format, image.width, image.height);
  const auto band = [&](std::size_t plane, std::size_t channels, std::size_t first, const Axis& bandX,
                        const Axis& bandY) {
    return Band{image.data + layout.planes[plane].offset,
                layout.planes[plane].stride,
                channels,
                first,
                weightsFor(bandX),
                weightsFor(bandY)};
  };
  if (image.format == PixelFormat::rgb) return {band(0, 3, 0, x, y)};
  const Axis halfX = halved(x), halfY = halved(y);
  if (image.format == PixelFormat::nv12) return {band(0, 1, 0, x, y), band(1, 2, 1, halfX, halfY)};
  return {band(0, 1, 0, x, y), band(1, 1, 1, halfX, halfY), band(2, 1, 2, halfX, halfY)};
}

/** Target lines `first` to `first + count` (at most `passLines`), of `width` pixels. */
struct Strip {
  std::size_t first;
  std::size_t count;
  std::size_t width;

  std::size_t lineStride() const { return roundUp(width, linePadding); }
};

/** Filters down the columns: `strip.count` lines of the source columns that the target needs. */
void filterDown(const Band& band, const Strip& strip, Matrix lines) {
  std::vector<const std::uint8_t*> rows(band.y->taps);
  for (std::size_t i = 0; i < strip.count; i++) {
    const std::uint8_t* row = band.data + band.y->first[strip.first + i] * band.stride + band.firstSample();
    for (std::size_t t = 0; t < rows.size(); t++) rows[t] = row + t * band.stride;
    filterRows(rows, band.y->of(strip.first + i), band.samples(), lines.data + i * lines.stride);
  }
}

void filterBand(const Band& band, const Strip& strip, ThreadScratch& scratch) {
  const auto channel = [&](std::size_t c) {
    return Matrix{scratch.channels[band.firstChannel + c].atLeast(strip.lineStride() * passLines), strip.lineStride()};
  };
  if (band.copiesLines()) return filterDown(band, strip, channel(0));
  const std::size_t stride = roundUp(band.samples(), passLines);
  const Matrix lines{scratch.lines.atLeast(stride * passLines), stride};
  filterDown(band, strip, lines);
  const Matrix columns{scratch.columns.atLeast(stride * passLines), passLines};
  transpose(lines, passLines, band.samples(), columns);
  const Matrix filtered{scratch.filtered.atLeast(strip.lineStride() * passLines), passLines};
  for (std::size_t c = 0; c < band.channels; c++) {
    filterColumns({columns.data, band.firstSample() / band.channels, band.channels, c}, *band.x, filtered.data);
    transpose(filtered, strip.width, passLines, channel(c));
  }
}

}  // namespace

void resample(const ImageView& image, const Axis& x, const Axis& y, const PixelTarget& target) {
  thread_local ThreadScratch scratch;
  const std::vector<Band> bands = bandsOf(image, x, y);
  const ColorSpace space = image.format == PixelFormat::rgb ? ColorSpace::rgb : ColorSpace::bt601Limited;
  for (std::size_t first = 0; first < y.count(); first += passLines) {
    const Strip strip{first, std::min(passLines, y.count() - first), x.count()};
    for (const Band& band : bands) filterBand(band, strip, scratch);
    for (std::size_t i = 0; i < strip.count; i++) {
      const auto line = [&](std::size_t c) { return scratch.channels[c].atLeast(0) + i * strip.lineStride(); };
      storeLine({{line(0), line(1), line(2)}, space, strip.width}, target, x.begin, y.begin + first + i);
    }
  }
}

}  // namespace hailstream
