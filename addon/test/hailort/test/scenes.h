#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hailo/hailort.hpp"
#include "hefs.h"

/** A picture to draw on: RGB, page-aligned, grey at first. */
class Canvas {
 public:
  Canvas(std::uint32_t height, std::uint32_t width);
  /** Fills a rectangle with one of the palette's colours; right and bottom lie one behind the last pixel. */
  Canvas& rectangle(int colour, std::uint32_t left, std::uint32_t top, std::uint32_t right, std::uint32_t bottom);
  Canvas& grey(std::uint8_t level, std::uint32_t left, std::uint32_t top, std::uint32_t right, std::uint32_t bottom);
  Canvas& pixel(int colour, std::uint32_t x, std::uint32_t y);
  hailort::MemoryView view() { return hailort::MemoryView(*bytes_); }

 private:
  void set(std::uint32_t x, std::uint32_t y, std::uint8_t red, std::uint8_t green, std::uint8_t blue);

  std::uint32_t width_;
  hailort::BufferPtr bytes_;
};

/** A configured model with buffers for one frame; what fails throws. */
struct Runner {
  std::shared_ptr<hailort::InferModel> model;
  hailort::ConfiguredInferModel configured;
  std::vector<hailort::BufferPtr> outputs;
  hailort::ConfiguredInferModel::Bindings bindings;

  /** `prepare` sets formats before the model is configured. */
  template <typename Prepare>
  Runner(hailort::VDevice& device, const std::string& network, Prepare prepare);
  Runner(hailort::VDevice& device, const std::string& network);

  /** Runs one frame and waits for it. */
  void run(const std::vector<hailort::MemoryView>& inputs);
  void run(Canvas& canvas) { run(std::vector{canvas.view()}); }
  /** Output `index` dequantised, whatever its format. */
  std::vector<float> values(std::size_t index) const;

 private:
  void configure();
};

std::shared_ptr<hailort::VDevice> openShared();
void require(hailo_status status, const std::string& what);

template <typename Prepare>
Runner::Runner(hailort::VDevice& device, const std::string& network, Prepare prepare) {
  auto created = device.create_infer_model(hefOf(network));
  require(created.status(), "create_infer_model " + network);
  model = created.release();
  prepare(*model);
  configure();
}
