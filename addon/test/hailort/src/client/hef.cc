#include "hailo/hef.hpp"

#include <algorithm>
#include <cstdio>

#include "client/hef_impl.h"
#include "core/hef_file.h"
#include "hailo/hailort_common.hpp"

namespace standin {
namespace {

hailo_format_t formatOf(const Stream& stream) {
  const auto type = stream.type == Type::uint8 ? HAILO_FORMAT_TYPE_UINT8 : HAILO_FORMAT_TYPE_UINT16;
  switch (stream.order) {
    case Order::nc:
      return {type, HAILO_FORMAT_ORDER_NC, HAILO_FORMAT_FLAGS_NONE};
    case Order::nmsByClass:
      return {HAILO_FORMAT_TYPE_FLOAT32, HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS, HAILO_FORMAT_FLAGS_NONE};
    case Order::nmsWithByteMask:
      return {HAILO_FORMAT_TYPE_UINT8, HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK, HAILO_FORMAT_FLAGS_NONE};
    default:
      return {type, HAILO_FORMAT_ORDER_NHWC, HAILO_FORMAT_FLAGS_NONE};
  }
}

}  // namespace

hailo_vstream_info_t describe(const Network& network, const Stream& stream, hailo_stream_direction_t direction) {
  hailo_vstream_info_t described{};
  std::snprintf(described.name, sizeof described.name, "%s", stream.name.c_str());
  std::snprintf(described.network_name, sizeof described.network_name, "%s/%s", network.name.c_str(),
                network.name.c_str());
  described.direction = direction;
  described.format = formatOf(stream);
  if (hailort::HailoRTCommon::is_nms(described.format.order)) {
    const auto& shape = network.inputs[0].shape;
    const auto& [classes, maxPerClass] = stream.nms;
    const bool masked = stream.order == Order::nmsWithByteMask;
    // HailoRT's default for masks: two bytes per pixel of the picture.
    described.nms_shape = {classes, maxPerClass, masked ? maxPerClass : classes * maxPerClass,
                           masked ? 2 * shape.height * shape.width : 0};
  } else {
    described.shape = {stream.shape.height, stream.shape.width, stream.shape.features};
  }
  const auto& [zeroPoint, scale] = stream.quantisation;
  const float highest = stream.type == Type::uint8 ? 255 : 65535;
  described.quant_info = {zeroPoint, scale, -zeroPoint * scale, (highest - zeroPoint) * scale};
  return described;
}

}  // namespace standin

namespace hailort {
namespace {

using Infos = std::vector<hailo_vstream_info_t>;

Infos describeAll(const standin::Network& network, const std::vector<standin::Stream>& streams,
                  hailo_stream_direction_t direction) {
  Infos all;
  for (const auto& stream : streams) all.push_back(standin::describe(network, stream, direction));
  return all;
}

}  // namespace

Expected<Hef> Hef::create(const MemoryView& hef_buffer) {
  const std::span bytes(reinterpret_cast<const std::byte*>(hef_buffer.data()), hef_buffer.size());
  const auto parsed = standin::parseHef(bytes);
  if (parsed.network == nullptr) return make_unexpected(static_cast<hailo_status>(parsed.status));
  return Hef(std::make_shared<Impl>(Impl{parsed.network, standin::hashOf(bytes)}));
}

Expected<Hef> Hef::create(const std::string& hef_path) {
  const auto file = standin::readFile(hef_path);
  if (file.status != 0) return make_unexpected(static_cast<hailo_status>(file.status));
  return create(MemoryView(file.bytes));
}

Expected<Hef> Hef::create(std::shared_ptr<Buffer> hef_buffer) {
  return create(MemoryView(*hef_buffer));
}

Hef::Hef(std::shared_ptr<Impl> impl) : pimpl(std::move(impl)) {}
Hef::~Hef() = default;
Hef::Hef(Hef&&) = default;
Hef& Hef::operator=(Hef&&) = default;

Expected<Infos> Hef::get_input_vstream_infos(const std::string&) const {
  return describeAll(*pimpl->network, pimpl->network->inputs, HAILO_H2D_STREAM);
}

Expected<Infos> Hef::get_output_vstream_infos(const std::string&) const {
  return describeAll(*pimpl->network, pimpl->network->outputs, HAILO_D2H_STREAM);
}

Expected<Infos> Hef::get_all_vstream_infos(const std::string& name) const {
  auto all = get_input_vstream_infos(name).release();
  const auto outputs = get_output_vstream_infos(name).release();
  all.insert(all.end(), outputs.begin(), outputs.end());
  return all;
}

Expected<std::vector<std::string>> Hef::get_sorted_output_names(const std::string&) const {
  std::vector<std::string> names;
  for (const auto& output : pimpl->network->outputs) names.push_back(output.name);
  return names;
}

Expected<std::vector<hailo_device_architecture_t>> Hef::get_compatible_device_archs() const {
  return std::vector{HAILO_ARCH_HAILO10H};
}

Expected<std::string> Hef::device_arch_to_string(const hailo_device_architecture_t arch) {
  return HailoRTCommon::get_device_arch_str(arch);
}

std::vector<std::string> Hef::get_network_groups_names() const {
  return {pimpl->network->name};
}

std::string Hef::hash() const {
  return pimpl->hash;
}

Expected<std::string> Hef::hash(const std::string& hef_path) {
  const auto file = standin::readFile(hef_path);
  if (file.status != 0) return make_unexpected(static_cast<hailo_status>(file.status));
  return standin::hashOf(standin::bytesOf(file.bytes));
}

std::string HailoRTCommon::get_device_arch_str(const hailo_device_architecture_t& arch) {
  switch (arch) {
    case HAILO_ARCH_HAILO8_A0:
      return "HAILO8_A0";
    case HAILO_ARCH_HAILO8:
      return "HAILO8";
    case HAILO_ARCH_HAILO8L:
      return "HAILO8L";
    case HAILO_ARCH_HAILO15H:
      return "HAILO15H";
    case HAILO_ARCH_HAILO15L:
      return "HAILO15L";
    case HAILO_ARCH_HAILO15M:
      return "HAILO15M";
    case HAILO_ARCH_HAILO10H:
      return "HAILO10H";
    case HAILO_ARCH_HAILO12L:
      return "HAILO12L";
    default:
      return "UNKNOWN ARCHITECTURE";
  }
}

}  // namespace hailort
