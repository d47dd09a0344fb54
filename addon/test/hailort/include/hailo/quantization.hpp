#pragma once

#include <cstdint>

#include "hailo/hailort.h"

namespace hailort {

class Quantization final {
 public:
  Quantization() = delete;
  template <typename T, typename Q>
  static inline T dequantize_output(Q number, hailo_quant_info_t quant_info) {
    return static_cast<T>((number - quant_info.qp_zp) * quant_info.qp_scale);
  }
  template <typename T, typename Q>
  static void dequantize_output_buffer(Q* src_ptr, T* dst_ptr, uint32_t buffer_elements_count,
                                       hailo_quant_info_t quant_info) {
    for (uint32_t i = 0; i < buffer_elements_count; i++) dst_ptr[i] = dequantize_output<T, Q>(src_ptr[i], quant_info);
  }
  static inline bool is_qp_valid(const hailo_quant_info_t& quant_info) {
    return quant_info.qp_zp != 0 || quant_info.qp_scale != 0 || quant_info.limvals_min != 0 ||
           quant_info.limvals_max != 0;
  }
};

}  // namespace hailort
