#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>

#include "decode_rows.h"
#include "kernels/masks.h"

using namespace hailstream;

namespace {

std::mt19937 randomNumbers(2024);

std::size_t upTo(std::size_t most) {
  return randomNumbers() % (most + 1);
}

template <typename Value>
Value oneOf(std::initializer_list<Value> values) {
  return values.begin()[randomNumbers() % values.size()];
}

/** Mostly what a network gives; now and then what a broken one gives. */
float someValue(float scale, bool broken) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (broken && upTo(20) == 0)
    return oneOf({std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 3e38f, -3e38f, 1e-42f});
  return (static_cast<float>(randomNumbers() % 2001) / 1000 - 1) * scale;
}

std::vector<std::size_t> gridShape(const DecodeOptions& options, double stride, std::size_t channels, bool nchw) {
  const auto width = static_cast<std::size_t>(std::ceil(options.inputWidth / stride));
  const auto height = static_cast<std::size_t>(std::ceil(options.inputHeight / stride));
  if (nchw) return {1, channels, height, width};
  return {1, height, width, channels};
}

using Shapes = std::vector<std::vector<std::size_t>>;

Shapes gridShapes(const DecodeOptions& options, std::vector<std::size_t> channels, bool nchw = upTo(1) == 0) {
  Shapes shapes;
  for (const double stride : {8.0, 16.0, 32.0}) {
    for (const auto count : channels) shapes.push_back(gridShape(options, stride, count, nchw));
  }
  return shapes;
}

Shapes withPrototypes(const DecodeOptions& options, std::vector<std::size_t> channels, std::size_t prototypes) {
  const bool nchw = upTo(1) == 0;
  Shapes shapes = gridShapes(options, std::move(channels), nchw);
  shapes.push_back(gridShape(options, 4, prototypes, nchw));
  return shapes;
}

/** As grids of cells, or anchor by anchor. */
Shapes faceShapes(const DecodeOptions& options) {
  if (upTo(1) == 0) return gridShapes(options, {2, 8, 20}, false);
  Shapes shapes;
  for (const auto& grid : gridShapes(options, {1, 4, 10}, false))
    shapes.push_back({grid[0] * grid[1] * grid[2] * 2, grid[3]});
  return shapes;
}

/** Shapes that the kernel takes, for some number of classes and places. */
Shapes shapesFor(std::string_view kernel, const DecodeOptions& options) {
  const std::size_t classes = 1 + upTo(20);
  const std::size_t places = upTo(300);
  const std::size_t width = 1 + upTo(20);
  const std::size_t height = 1 + upTo(20);
  if (kernel == "yolo-v8") return {{1, 4 + classes, places}};
  if (kernel == "yolo-v8-pose") return {{1, 56, places}};
  if (kernel == "yolo-v5") return {{1, places, 5 + classes}};
  if (kernel == "yolo-v8-raw") return gridShapes(options, {64, classes});
  if (kernel == "yolo-v8-pose-raw") return gridShapes(options, {64, 1, 51});
  if (kernel == "yolo-v5-raw") return gridShapes(options, {3 * (5 + classes)});
  if (kernel == "yolo-v8-obb") return {{1, 4 + classes + 1, places}};
  if (kernel == "yolo-v8-obb-raw") return gridShapes(options, {64, classes, 1});
  if (kernel == "yolo-v8-segment") return {{1, places, 4 + classes + width}, gridShape(options, 4, width, false)};
  if (kernel == "yolo-v8-segment-raw") return withPrototypes(options, {64, classes, width}, width);
  if (kernel == "yolo-v5-segment-raw") return withPrototypes(options, {3 * (5 + classes + width)}, width);
  if (kernel == "scrfd") return faceShapes(options);
  if (kernel == "text-regions")
    return {oneOf<std::vector<std::size_t>>({{1, 1, height, width}, {1, height, width, 1}})};
  if (kernel == "ctc") return {{1, places, 1 + classes}};
  if (kernel == "class-scores" || kernel == "embedding") return {{1, classes}};
  if (kernel == "centernet") return {{1, height, width, classes}, {1, height, width, 4}};
  return {{1, height, width, 1}, {1, height, width, 34}, {1, height, width, 17}, {1, height, width, 34}};
}

/** Sometimes another size, axis or tensor than the kernel takes. */
void spoil(Shapes& shapes) {
  auto& shape = shapes[upTo(shapes.size() - 1)];
  switch (upTo(12)) {
    case 0:
      shape[upTo(shape.size() - 1)] = upTo(5);
      break;
    case 1:
      shape.pop_back();
      break;
    case 2:
      shape.push_back(1 + upTo(2));
      break;
    case 3:
      shapes.pop_back();
      break;
    case 4:
      std::ranges::reverse(shape);
      break;
  }
}

DecodeOptions someOptions() {
  DecodeOptions options = optionsOf(1.0 + static_cast<double>(upTo(200)), 1.0 + static_cast<double>(upTo(200)));
  options.minScore = oneOf({0.0f, 0.01f, 0.25f, 0.5f, 1.0f});
  options.iou = oneOf({0.0f, 0.45f, 1.0f});
  options.maxRows = oneOf<std::size_t>({0, 1, 10, 300});
  options.activated = upTo(3) == 0;
  if (upTo(3) == 0) options.classes = {0, 2, 5, 4'000'000'000u};
  if (upTo(1) == 0) options.toSource = {1.5, 0.2, -30, -0.2, 1.5, 10};
  if (upTo(9) == 0) options.toSource = {3e38, 3e38, -3e38, 0, 0, 0};
  return options;
}

/** Whether the kernel's rows are no boxes along the picture's sides. */
bool isOther(const Kernel& kernel) {
  return kernel.width == 51 || kernel.width == 7;
}

/** Whether the kernel's rows are values that lie nowhere in the picture: letters, classes, a vector. */
bool isAbstract(const Kernel& kernel) {
  return kernel.width <= 3;
}

/** Where a row has its score; none where rows are not told best first. */
std::optional<std::size_t> scoreOf(const Kernel& kernel) {
  if (kernel.name == "class-scores") return 1;
  if (kernel.width == 51 || kernel.width == 9 || isAbstract(kernel)) return std::nullopt;
  return kernel.width == 7 ? 5 : 4;
}

void checkRow(const float* row, const Kernel& kernel, const DecodeOptions& options) {
  const auto isWithin = [&](float x, float y) {
    return x >= 0 && y >= 0 && x <= options.sourceWidth && y <= options.sourceHeight;
  };
  for (std::size_t i = 0; i < kernel.width; i++) check::isTrue(std::isfinite(row[i]), "finite values");
  if (isAbstract(kernel)) return;
  if (kernel.width == 9) {
    for (std::size_t i = 0; i < 8; i += 2) check::isTrue(isWithin(row[i], row[i + 1]), "corners within");
    return check::isTrue(row[8] >= options.minScore, "a score that reaches minScore");
  }
  if (kernel.width == 7) {
    check::isTrue(isWithin(row[0], row[1]), "a middle within the source");
    check::isTrue(row[2] > 0 && row[3] > 0 && std::abs(row[4]) < 1.5709f, "sides, and an angle within half a turn");
    return check::isTrue(row[5] >= options.minScore, "a score that reaches minScore");
  }
  if (!isOther(kernel)) {
    check::isTrue(isWithin(row[0], row[1]) && isWithin(row[2], row[3]), "a box within the source");
    check::isTrue(row[0] < row[2] && row[1] < row[3], "a box with an area");
    check::isTrue(row[4] >= options.minScore, "a score that reaches minScore");
  }
  const std::size_t step = kernel.width == 16 ? 2 : 3;
  if (kernel.decodeMasks != nullptr) return;
  for (std::size_t i = isOther(kernel) ? 0 : 6; i < kernel.width; i += step)
    check::isTrue(isWithin(row[i], row[i + 1]), "points within");
}

/** Rows with masks, which take exactly the memory that the rows say and lie on the grid. */
std::vector<float> decodeWithMasks(const Kernel& kernel, const std::vector<OwnedTensor>& tensors,
                                   const DecodeOptions& options) {
  std::vector<std::uint8_t> memory(4 << 20);
  MaskSheet masks(memory);
  const auto rows = kernel.decodeMasks(viewsOf(tensors), options, masks);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < rows.size(); i += kernel.width) {
    const auto size = [&](std::size_t value) { return static_cast<std::size_t>(rows[i + value]); };
    check::isTrue(size(6) + size(8) <= masks.width() && size(7) + size(9) <= masks.height(), "a crop of the grid");
    bytes += size(8) * size(9);
  }
  check::equals(masks.bytesUsed(), bytes);
  return rows;
}

/** Decodes or refuses; gives whether it decoded. */
bool decodesSoundly(const Kernel& kernel, const std::vector<OwnedTensor>& tensors, const DecodeOptions& options) {
  std::vector<float> rows;
  try {
    rows = kernel.decodeMasks != nullptr && upTo(1) == 0 ? decodeWithMasks(kernel, tensors, options)
                                                         : kernel.decode(viewsOf(tensors), options);
  } catch (const Error& error) {
    check::isTrue(error.code() == ErrorCode::invalid, "the code invalid");
    return false;
  }
  check::equals(rows.size() % kernel.width, 0u);
  if (kernel.name != "embedding") check::isTrue(rows.size() / kernel.width <= options.maxRows, "no more than maxRows");
  for (std::size_t i = 0; i < rows.size(); i += kernel.width) {
    checkRow(&rows[i], kernel, options);
    const auto score = scoreOf(kernel);
    if (i > 0 && score) check::isTrue(rows[i + *score] <= rows[i + *score - kernel.width], "best first");
  }
  return true;
}

}  // namespace

TEST("every kernel decodes or refuses any tensors, without a value that is not finite or out of the source") {
  std::map<std::string_view, int> decoded;
  for (int round = 0; round < 6000; round++) {
    const auto all = kernels();
    const Kernel& kernel = all[upTo(all.size() - 1)];
    const DecodeOptions options = someOptions();
    auto shapes = shapesFor(kernel.name, options);
    spoil(shapes);
    const bool broken = upTo(1) == 0;
    const float scale = oneOf({1.0f, 10.0f, 200.0f});
    std::vector<OwnedTensor> tensors;
    for (const auto& shape : shapes) {
      tensors.emplace_back(shape);
      for (auto& value : tensors.back().values) value = someValue(scale, broken);
    }
    if (decodesSoundly(kernel, tensors, options)) decoded[kernel.name]++;
  }
  for (const auto& kernel : kernels()) check::isTrue(decoded[kernel.name] > 100, "to have decoded by all kernels");
}
