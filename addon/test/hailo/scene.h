#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backends/hailo/model.h"
#include "standin.h"

/** Pictures that mean something to the stand-in, and its networks asked about them. */
namespace hailstream {

/** Of the stand-in's palette, by class. */
using Colour = std::array<std::uint8_t, 3>;
inline constexpr Colour red = {255, 0, 0};
inline constexpr Colour yellow = {255, 255, 0};
inline constexpr Colour green = {0, 255, 0};
inline constexpr Colour cyan = {0, 255, 255};

/** A grey picture with rectangles of the stand-in's palette on it, which it takes for objects. */
struct Scene {
  std::size_t width, height;
  std::vector<std::uint8_t> pixels;

  Scene(std::size_t wide, std::size_t high) : width(wide), height(high), pixels(rgbStride(wide) * high, 114) {}

  void pixel(const Colour& colour, std::size_t x, std::size_t y) {
    std::ranges::copy(colour, &pixels[y * rgbStride(width) + 3 * x]);
  }
  Scene& rectangle(const Colour& colour, std::size_t left, std::size_t top, std::size_t right, std::size_t bottom) {
    for (std::size_t y = top; y < bottom; y++) {
      for (std::size_t x = left; x < right; x++) pixel(colour, x, y);
    }
    return *this;
  }
};

inline hailo::Inference asking(const std::shared_ptr<Scene>& scene, const char* kernel) {
  hailo::Inference inference;
  const ImageView view{PixelFormat::rgb, scene->width, scene->height, scene->pixels.data()};
  inference.inputs.push_back(hailo::FittedImage{view, {0, 0, Letterbox{}, false, 114, {}, {}}});
  inference.question.kernel = kernel;
  inference.question.options.sourceWidth = static_cast<double>(scene->width);
  inference.question.options.sourceHeight = static_cast<double>(scene->height);
  inference.question.options.activated = true;
  inference.held = scene;
  return inference;
}

struct Loaded {
  std::shared_ptr<hailo::Device> device = openDevice();
  Awaited<hailo::ModelFacts> loading;
  hailo::Model model;
  hailo::ModelFacts facts;

  explicit Loaded(const std::string& network, std::size_t depth = 4)
      : model(device, {hefOf(network), "", depth, hailo::OutputTypes::compact}, loading.told()),
        facts(loading.value()) {}

  /** The device outlives what is closed. */
  ~Loaded() {
    model.close([](const Outcome<std::monostate>&) {});
    model.waitForEnd(patience);
  }

  hailo::Answer infer(hailo::Inference inference, const check::Place place = check::Place::current()) {
    Awaited<hailo::Answer> answer;
    model.infer(std::move(inference), answer.told());
    return answer.value(place);
  }

  void close(const check::Place place = check::Place::current()) {
    Awaited<std::monostate> closed;
    model.close(closed.told());
    closed.value(place);
  }
};

}  // namespace hailstream
