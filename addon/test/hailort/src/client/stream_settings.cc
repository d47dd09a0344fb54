#include "client/stream_settings.h"

#include <cstring>

#include "hailo/hailort_common.hpp"

namespace standin {
namespace {

using hailort::HailoRTCommon;

/** The largest request body, and what a stream's entry takes in it beside its name. */
constexpr std::size_t maxRequestBytes = 2048;
constexpr std::size_t requestOverhead = 32;
constexpr std::size_t streamOverhead = 45;

hailo_status checkNms(const StreamSettings& settings) {
  const bool byClass = settings.format.order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS;
  if (byClass && settings.format.type == HAILO_FORMAT_TYPE_FLOAT32) return HAILO_SUCCESS;
  const bool sameKind = settings.stream->order != Order::nmsWithByteMask ||
                        settings.format.order == HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK;
  const bool masksWithout = settings.stream->order != Order::nmsWithByteMask &&
                            settings.format.order == HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK;
  const bool byScore = HailoRTCommon::is_nms_by_score(settings.format.order);
  return byScore && sameKind && !masksWithout && settings.format.type == HAILO_FORMAT_TYPE_UINT8
             ? HAILO_SUCCESS
             : HAILO_INVALID_ARGUMENT;
}

}  // namespace

size_t StreamSettings::frameBytes() const {
  if (HailoRTCommon::is_nms(described.format.order)) {
    const auto& [classes, perClass, total, masks] = described.nms_shape;
    if (format.order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE)
      return sizeof(std::uint16_t) + total * sizeof(hailo_detection_t);
    if (format.order == HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK)
      return sizeof(std::uint16_t) + total * sizeof(hailo_detection_with_byte_mask_t) + masks;
    return classes * (sizeof(float) + perClass * sizeof(hailo_bbox_float32_t));
  }
  return stream->shape.size() * HailoRTCommon::get_data_bytes(format.type);
}

hailo_status StreamSettings::check(hailo_stream_direction_t direction) const {
  if (HailoRTCommon::is_nms(described.format.order)) return checkNms(*this);
  const bool narrows =
      direction == HAILO_D2H_STREAM && stream->type == Type::uint16 && format.type == HAILO_FORMAT_TYPE_UINT8;
  if (narrows) return HAILO_INVALID_ARGUMENT;
  const bool sameOrder = format.order == described.format.order;
  const bool transposes = format.order == HAILO_FORMAT_ORDER_NCHW && described.format.order == HAILO_FORMAT_ORDER_NHWC;
  return sameOrder || transposes ? HAILO_SUCCESS : HAILO_INVALID_ARGUMENT;
}

hailo_status checkRequestSize(const std::vector<StreamSettings>& inputs, const std::vector<StreamSettings>& outputs) {
  std::size_t bytes = requestOverhead;
  for (const auto* streams : {&inputs, &outputs}) {
    for (const auto& settings : *streams) bytes += std::strlen(settings.described.name) + streamOverhead;
  }
  return bytes > maxRequestBytes ? HAILO_INTERNAL_FAILURE : HAILO_SUCCESS;
}

}  // namespace standin
