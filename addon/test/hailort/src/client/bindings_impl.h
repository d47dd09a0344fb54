#pragma once

#include <variant>

#include "hailo/infer_model.hpp"

namespace hailort {

/** Where a stream's bytes lie; nothing until the caller says. */
class ConfiguredInferModel::Bindings::InferStream::Impl {
 public:
  std::variant<std::monostate, MemoryView, hailo_pix_buffer_t, hailo_dma_buffer_t> memory;
};

}  // namespace hailort
