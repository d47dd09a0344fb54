#include "scenes.h"

#include <array>
#include <cstring>
#include <stdexcept>

using namespace hailort;

namespace {

/** The twelve hues at full saturation. */
constexpr std::array<std::array<std::uint8_t, 3>, 12> palette = {{{255, 0, 0},
                                                                  {255, 128, 0},
                                                                  {255, 255, 0},
                                                                  {128, 255, 0},
                                                                  {0, 255, 0},
                                                                  {0, 255, 128},
                                                                  {0, 255, 255},
                                                                  {0, 128, 255},
                                                                  {0, 0, 255},
                                                                  {128, 0, 255},
                                                                  {255, 0, 255},
                                                                  {255, 0, 128}}};
constexpr std::uint8_t background = 114;

}  // namespace

void require(hailo_status status, const std::string& what) {
  if (status != HAILO_SUCCESS) throw std::runtime_error(what + ": " + hailo_get_status_message(status));
}

std::shared_ptr<VDevice> openShared() {
  auto params = HailoRTDefaults::get_vdevice_params();
  params.group_id = "SHARED";
  auto device = VDevice::create_shared(params);
  require(device.status(), "VDevice::create_shared");
  return device.release();
}

Canvas::Canvas(std::uint32_t height, std::uint32_t width)
    : width_(width),
      bytes_(Buffer::create_shared(static_cast<std::size_t>(height) * width * 3, background,
                                   BufferStorageParams::create_dma())
                 .release()) {}

void Canvas::set(std::uint32_t x, std::uint32_t y, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  std::uint8_t* at = bytes_->data() + 3 * (static_cast<std::size_t>(y) * width_ + x);
  at[0] = red, at[1] = green, at[2] = blue;
}

Canvas& Canvas::pixel(int colour, std::uint32_t x, std::uint32_t y) {
  const auto& [red, green, blue] = palette[static_cast<std::size_t>(colour)];
  set(x, y, red, green, blue);
  return *this;
}

Canvas& Canvas::rectangle(int colour, std::uint32_t left, std::uint32_t top, std::uint32_t right,
                          std::uint32_t bottom) {
  for (std::uint32_t y = top; y < bottom; y++) {
    for (std::uint32_t x = left; x < right; x++) pixel(colour, x, y);
  }
  return *this;
}

Canvas& Canvas::grey(std::uint8_t level, std::uint32_t left, std::uint32_t top, std::uint32_t right,
                     std::uint32_t bottom) {
  for (std::uint32_t y = top; y < bottom; y++) {
    for (std::uint32_t x = left; x < right; x++) set(x, y, level, level, level);
  }
  return *this;
}

Runner::Runner(VDevice& device, const std::string& network) : Runner(device, network, [](InferModel&) {}) {}

void Runner::configure() {
  auto made = model->configure();
  require(made.status(), "configure");
  configured = made.release();
  auto created = configured.create_bindings();
  require(created.status(), "create_bindings");
  bindings = created.release();
  for (const auto& output : model->outputs()) {
    outputs.push_back(
        Buffer::create_shared(output.get_frame_size(), std::uint8_t{0}, BufferStorageParams::create_dma()).release());
    require(bindings.output(output.name())->set_buffer(MemoryView(*outputs.back())), "set_buffer");
  }
}

void Runner::run(const std::vector<MemoryView>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); i++)
    require(bindings.input(model->inputs()[i].name())->set_buffer(inputs[i]), "set_buffer");
  require(configured.run(bindings, std::chrono::seconds(30)), "run");
}

std::vector<float> Runner::values(std::size_t index) const {
  const auto& stream = model->outputs()[index];
  const auto& bytes = *outputs[index];
  const auto quantisation = stream.get_quant_infos()[0];
  std::vector<float> all;
  if (stream.format().type == HAILO_FORMAT_TYPE_FLOAT32) {
    all.resize(bytes.size() / sizeof(float));
    std::memcpy(all.data(), bytes.data(), bytes.size());
  } else if (stream.format().type == HAILO_FORMAT_TYPE_UINT16) {
    const auto* raw = bytes.as_pointer<std::uint16_t>();
    for (std::size_t i = 0; i < bytes.size() / 2; i++)
      all.push_back(Quantization::dequantize_output<float>(raw[i], quantisation));
  } else {
    for (std::size_t i = 0; i < bytes.size(); i++)
      all.push_back(Quantization::dequantize_output<float>(bytes[i], quantisation));
  }
  return all;
}
