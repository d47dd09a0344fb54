#include "backends/hailo/tensors.h"

#include <algorithm>

namespace hailstream::hailo {
namespace {

using Stream = hailort::InferModel::InferStream;

/** Below this many values float32 costs the bus nothing that can be measured, and the device does the arithmetic. */
constexpr std::size_t leastQuantised = 4096;

std::size_t valuesOf(const Stream& stream) {
  const auto shape = stream.shape();
  return std::size_t{1} * shape.height * shape.width * shape.features;
}

/** {0, 0, 0, 0} marks that there is none for the whole tensor. */
bool isUsable(const hailo_quant_info_t& quant) {
  return quant.qp_scale > 0;
}

bool canStayQuantised(const Stream& stream) {
  const auto type = stream.format().type;
  if (type != HAILO_FORMAT_TYPE_UINT8 && type != HAILO_FORMAT_TYPE_UINT16) return false;
  const auto quants = stream.get_quant_infos();
  const bool fits = quants.size() == 1 || quants.size() == stream.shape().features;
  return fits && std::ranges::all_of(quants, isUsable);
}

/** Orders that only the device's own layout needs; rows of pixels serve every kernel. */
bool isDeviceOrder(hailo_format_order_t order) {
  return order == HAILO_FORMAT_ORDER_NHCW || order == HAILO_FORMAT_ORDER_FCR || order == HAILO_FORMAT_ORDER_F8CR ||
         order == HAILO_FORMAT_ORDER_NCHW;
}

void chooseInput(Stream stream) {
  if (isDeviceOrder(stream.format().order)) stream.set_format_order(HAILO_FORMAT_ORDER_NHWC);
  if (stream.shape().features == 3) stream.set_format_type(HAILO_FORMAT_TYPE_UINT8);
}

void chooseNms(Stream stream) {
  const bool isFloat = stream.format().order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS;
  stream.set_format_type(isFloat ? HAILO_FORMAT_TYPE_FLOAT32 : HAILO_FORMAT_TYPE_UINT8);
}

void chooseOutput(Stream stream, OutputTypes types) {
  if (stream.is_nms()) return chooseNms(std::move(stream));
  if (isDeviceOrder(stream.format().order)) stream.set_format_order(HAILO_FORMAT_ORDER_NHWC);
  const bool isLarge = valuesOf(stream) >= leastQuantised;
  if (types == OutputTypes::compact && isLarge && canStayQuantised(stream))
    stream.set_format_type(stream.format().type);
  else
    stream.set_format_type(HAILO_FORMAT_TYPE_FLOAT32);
}

TensorType typeOf(const Stream& stream) {
  switch (stream.format().type) {
    case HAILO_FORMAT_TYPE_UINT8:
      return TensorType::uint8;
    case HAILO_FORMAT_TYPE_UINT16:
      return TensorType::uint16;
    case HAILO_FORMAT_TYPE_FLOAT32:
      return TensorType::float32;
    default:
      throw Error(ErrorCode::internal, "Expected " + stream.name() + " to be uint8, uint16 or float32, received type " +
                                           std::to_string(static_cast<int>(stream.format().type)));
  }
}

const char* nameOf(hailo_format_order_t order) {
  switch (order) {
    case HAILO_FORMAT_ORDER_NHWC:
      return "NHWC";
    case HAILO_FORMAT_ORDER_NHW:
      return "NHW";
    case HAILO_FORMAT_ORDER_NC:
      return "NC";
    case HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS:
      return "NMS_BY_CLASS";
    case HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE:
      return "NMS_BY_SCORE";
    case HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK:
      return "NMS_WITH_BYTE_MASK";
    case HAILO_FORMAT_ORDER_NV12:
      return "NV12";
    case HAILO_FORMAT_ORDER_RGB4:
      return "RGB4";
    default:
      return "other";
  }
}

HailoNmsLayout layoutOf(const Stream& stream) {
  switch (stream.format().order) {
    case HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS:
      return HailoNmsLayout::byClass;
    case HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE:
      return HailoNmsLayout::byScore;
    case HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK:
      return HAILSTREAM_HAILORT_VERSION >= 50200 ? HailoNmsLayout::byteMask : HailoNmsLayout::byteMaskWithoutOffset;
    default:
      throw Error(ErrorCode::invalid, "Expected " + stream.name() +
                                          " to order boxes by class, by score or with masks, " + "received order " +
                                          std::to_string(static_cast<int>(stream.format().order)));
  }
}

HailoNmsShape nmsOf(const Stream& stream) {
  const auto shape = take(stream.get_nms_shape(), "the boxes' shape of " + stream.name());
  const auto layout = layoutOf(stream);
  const bool perClass = layout == HailoNmsLayout::byClass || shape.max_bboxes_total == 0;
  const std::size_t most = perClass ? shape.max_bboxes_per_class : shape.max_bboxes_total;
  return {layout, shape.number_of_classes,
          layout == HailoNmsLayout::byClass || !perClass ? most : most * shape.number_of_classes};
}

std::vector<Quantisation> quantisationOf(const Stream& stream) {
  std::vector<Quantisation> features;
  if (stream.is_nms() || stream.format().type == HAILO_FORMAT_TYPE_FLOAT32) return features;
  for (const auto& quant : stream.get_quant_infos()) {
    if (isUsable(quant)) features.push_back({quant.qp_zp, quant.qp_scale});
  }
  return features;
}

Tensor describe(const Stream& stream) {
  Tensor tensor{stream.name(),          typeOf(stream), nameOf(stream.format().order), {}, stream.get_frame_size(),
                quantisationOf(stream), std::nullopt};
  if (stream.is_nms()) {
    tensor.nms = nmsOf(stream);
    tensor.shape = {tensor.nms->classes, tensor.nms->maxBoxes, 0};
    return tensor;
  }
  const auto shape = stream.shape();
  tensor.shape = {shape.height, shape.width, shape.features};
  return tensor;
}

template <typename Streams>
std::vector<Tensor> describeAll(const Streams& streams) {
  std::vector<Tensor> tensors;
  for (const auto& stream : streams) tensors.push_back(describe(stream));
  return tensors;
}

}  // namespace

void chooseFormats(hailort::InferModel& model, OutputTypes types) {
  for (const auto& stream : model.inputs()) chooseInput(stream);
  for (const auto& stream : model.outputs()) chooseOutput(stream, types);
}

std::vector<Tensor> describeInputs(const hailort::InferModel& model) {
  return describeAll(model.inputs());
}

std::vector<Tensor> describeOutputs(const hailort::InferModel& model) {
  return describeAll(model.outputs());
}

const char* spell(TensorType type) {
  switch (type) {
    case TensorType::uint8:
      return "uint8";
    case TensorType::uint16:
      return "uint16";
    case TensorType::float32:
      return "float32";
  }
  return "float32";
}

}  // namespace hailstream::hailo
