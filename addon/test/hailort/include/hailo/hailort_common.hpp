#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hailo/hailort.h"

namespace hailort {

class HAILORTAPI HailoRTCommon final {
 public:
  HailoRTCommon() = delete;
  static constexpr uint8_t get_data_bytes(hailo_format_type_t type) {
    return type == HAILO_FORMAT_TYPE_FLOAT32 ? 4 : type == HAILO_FORMAT_TYPE_UINT16 ? 2 : 1;
  }
  static constexpr bool is_nms_by_class(const hailo_format_order_t& order) {
    return order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS;
  }
  static constexpr bool is_nms_by_score(const hailo_format_order_t& order) {
    return order == HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE || order == HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK;
  }
  static constexpr bool is_nms(const hailo_format_order_t& order) {
    return is_nms_by_class(order) || is_nms_by_score(order);
  }
  static std::string get_device_arch_str(const hailo_device_architecture_t& arch);
};

constexpr std::chrono::milliseconds HAILO_INFINITE_TIMEOUT(UINT32_MAX);

}  // namespace hailort
