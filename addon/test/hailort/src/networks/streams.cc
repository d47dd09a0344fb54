#include "networks/streams.h"

namespace standin::streams {
namespace {

struct Part {
  std::uint32_t features;
  Quantisation quantisation;
  Type type = Type::uint8;
};

/** One tensor per stride and part: layer names run through the parts of stride 8, then 16, then 32. */
std::vector<Stream> pyramid(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers,
                            const std::vector<Part>& parts) {
  std::vector<Stream> all;
  std::size_t layer = 0;
  for (const std::uint32_t stride : {8u, 16u, 32u}) {
    for (const auto& part : parts) {
      const Shape shape{side / stride, side / stride, part.features};
      all.push_back(tensor(network + "/" + layers.at(layer++), shape, part.quantisation, part.type));
    }
  }
  return all;
}

}  // namespace

std::vector<Stream> picture(const std::string& network, std::uint32_t height, std::uint32_t width,
                            std::uint32_t features) {
  return {tensor(network + "/input_layer1", {height, width, features}, {0, 1})};
}

Stream tensor(const std::string& name, Shape shape, Quantisation quantisation, Type type) {
  return {name, shape, type, Order::nhwc, quantisation};
}

Stream vector(const std::string& name, std::uint32_t features, Quantisation quantisation) {
  return {name, {1, 1, features}, Type::uint8, Order::nc, quantisation};
}

std::vector<Stream> nms(const std::string& network, std::uint32_t classes, std::uint32_t maxPerClass, Order order) {
  return {{network + "/yolov8_nms_postprocess", {}, Type::uint8, order, {0, 1}, {classes, maxPerClass}}};
}

std::vector<Stream> pose(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers) {
  return pyramid(network, side, layers, {{64, logits}, {1, probability}, {51, fine, Type::uint16}});
}

std::vector<Stream> segment(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers) {
  auto all = pyramid(network, side, layers, {{64, logits}, {80, probability}, {32, {128, 0.08f}}});
  all.push_back(tensor(network + "/" + layers.back(), {side / 4, side / 4, 32}, {128, 1.0f / 64}));
  return all;
}

std::vector<Stream> rotated(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers) {
  return pyramid(network, side, layers, {{64, logits}, {15, probability}, {1, fine, Type::uint16}});
}

std::vector<Stream> anchorSegment(const std::string& network, const std::vector<std::string>& layers) {
  constexpr Quantisation narrow{128, 0.05f};
  auto all = pyramid(network, 640, layers, {{351, narrow}});
  all.push_back(tensor(network + "/" + layers.back(), {160, 160, 32}, {128, 1.0f / 64}));
  return all;
}

std::vector<Stream> scrfd(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers) {
  return pyramid(network, side, layers, {{2, probability}, {8, {0, 1.0f / 16}}, {20, {128, 0.1f}}});
}

}  // namespace standin::streams
