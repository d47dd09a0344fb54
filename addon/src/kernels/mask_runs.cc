#include "kernels/mask_runs.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hailstream {
namespace {

/** Between the shares 127, which is outside, and 128. */
constexpr double half = 127.5;

/** Writes runs of a picture's pixels in their order as text: the first run is of pixels outside, then they alternate.
 */
class RunText {
 public:
  /** Pixels from `begin` to `end` (excluded) belong to the mask. They come in order and may touch. */
  void add(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (begin > end_ || counts_.empty()) {
      counts_.push_back(static_cast<std::int64_t>(begin - end_));
      counts_.push_back(0);
    }
    counts_.back() += static_cast<std::int64_t>(end - begin);
    end_ = end;
  }

  std::string finish(std::size_t pixels) {
    if (end_ < pixels) counts_.push_back(static_cast<std::int64_t>(pixels - end_));
    std::string text;
    for (std::size_t i = 0; i < counts_.size(); i++)
      appendCount(text, i > 2 ? counts_[i] - counts_[i - 2] : counts_[i]);
    return text;
  }

 private:
  /** Five bits a character, the lowest first, with a sixth that says that more follow; the last one's top bit is the
   * sign. */
  static void appendCount(std::string& text, std::int64_t value) {
    for (bool more = true; more;) {
      const std::int64_t bits = value & 0x1f;
      value >>= 5;
      more = (bits & 0x10) != 0 ? value != -1 : value != 0;
      text.push_back(static_cast<char>(48 + bits + (more ? 0x20 : 0)));
    }
  }

  std::vector<std::int64_t> counts_;
  std::size_t end_ = 0;
};

/** How source pixels lie on the grid along one side: middle of cell i = i, of pixel p = origin + step · p. */
struct Scale {
  double origin;
  double step;

  double at(double pixel) const { return origin + step * pixel; }
  /** The first pixel at or behind a place of the grid. */
  double firstFrom(double place) const { return std::ceil((place - origin) / step); }
};

Scale scaleOf(double perInput, double offset, double cells, double inputSize) {
  const double cellsPerPixel = cells / inputSize / perInput;
  return {(0.5 - offset) * cellsPerPixel - 0.5, cellsPerPixel};
}

/** Pixels whose middle lies between two edges of a box. */
struct Span {
  std::size_t begin, end;
};

Span spanOf(float low, float high, double size) {
  const auto edge = [&](float value) {
    return static_cast<std::size_t>(std::clamp(std::ceil(value - 0.5), 0.0, size));
  };
  const std::size_t begin = edge(low);
  return {begin, std::max(begin, edge(high))};
}

struct Mask {
  std::span<const std::uint8_t> shares;
  MaskCrop crop;
};

/** The crop's column at a place between its cells, as shares. */
void blendColumn(const Mask& mask, double place, std::span<double> column) {
  const auto& [shares, crop] = mask;
  const double inside = std::clamp(place - static_cast<double>(crop.x), 0.0, static_cast<double>(crop.width - 1));
  const auto left = static_cast<std::size_t>(inside);
  const std::size_t right = std::min(left + 1, crop.width - 1);
  const double weight = inside - static_cast<double>(left);
  for (std::size_t y = 0; y < crop.height; y++) {
    const auto* row = shares.data() + y * crop.width;
    column[y] = row[left] + weight * (row[right] - row[left]);
  }
}

/** Tells of the pixels of one column that belong to the mask; between two cells its edge lies where the line passes
 * half. */
template <typename Add>
void addColumn(std::span<const double> column, std::size_t firstCell, const Scale& down, const Span& rows, Add add) {
  const auto pixel = [&](double place) {
    const double first = down.firstFrom(place + static_cast<double>(firstCell));
    return static_cast<std::size_t>(std::clamp(first, static_cast<double>(rows.begin), static_cast<double>(rows.end)));
  };
  bool inside = column[0] > half;
  std::size_t begin = rows.begin;
  for (std::size_t i = 1; i < column.size(); i++) {
    if ((column[i] > half) == inside) continue;
    const double crossing = static_cast<double>(i - 1) + (half - column[i - 1]) / (column[i] - column[i - 1]);
    const std::size_t edge = pixel(crossing);
    if (inside) add(begin, edge);
    inside = !inside;
    begin = edge;
  }
  if (inside) add(begin, rows.end);
}

std::string runsOf(std::span<const float> row, const Mask& mask, const MaskSheet& sheet, const DecodeOptions& options) {
  const auto [a, b, c, d, e, f] = options.toSource;
  const Scale across = scaleOf(a, c, static_cast<double>(sheet.width()), options.inputWidth);
  const Scale down = scaleOf(e, f, static_cast<double>(sheet.height()), options.inputHeight);
  const Span columns = spanOf(row[0], row[2], options.sourceWidth);
  const Span rows = spanOf(row[1], row[3], options.sourceHeight);
  const auto height = static_cast<std::size_t>(options.sourceHeight);
  RunText text;
  std::vector<double> column(mask.crop.height);
  const bool empty = mask.shares.empty();
  for (std::size_t x = columns.begin; x < columns.end && !empty; x++) {
    blendColumn(mask, across.at(static_cast<double>(x)), column);
    addColumn(column, mask.crop.y, down, rows,
              [&](std::size_t begin, std::size_t end) { text.add(x * height + begin, x * height + end); });
  }
  return text.finish(height * static_cast<std::size_t>(options.sourceWidth));
}

}  // namespace

std::vector<std::string> encodeRuns(std::span<const float> rows, const MaskSheet& masks, const DecodeOptions& options) {
  const auto& affine = options.toSource;
  if (affine[1] != 0 || affine[3] != 0 || affine[0] <= 0 || affine[4] <= 0)
    throw Error(ErrorCode::invalid, "Expected for masks a fit that turns nothing, received one that does");
  std::vector<std::string> runs;
  std::size_t used = 0;
  for (std::size_t at = 0; at + maskRowWidth <= rows.size(); at += maskRowWidth) {
    const auto row = rows.subspan(at, maskRowWidth);
    const auto value = [&](std::size_t i) { return static_cast<std::size_t>(row[i]); };
    const MaskCrop crop{value(6), value(7), value(8), value(9)};
    const std::size_t bytes = crop.width * crop.height;
    runs.push_back(runsOf(row, {masks.written().subspan(used, bytes), crop}, masks, options));
    used += bytes;
  }
  return runs;
}

}  // namespace hailstream
