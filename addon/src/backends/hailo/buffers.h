#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/hailo/status.h"

namespace hailstream::hailo {

/** Zeroed memory that begins at a page and takes whole pages, as transfers without a copy need it. */
class PageBuffer {
 public:
  /** Throws std::bad_alloc. */
  explicit PageBuffer(std::size_t bytes);

  std::span<std::uint8_t> bytes() const { return {memory_.get(), bytes_}; }
  /** Whole pages, at least `bytes().size()`. */
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  std::size_t bytes_;
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t, Free> memory_;
};

/** The tensors of one inference under way. Untouched from run_async until its completion has come. */
class BufferSet {
 public:
  /** Makes the buffers, binds them by name, and maps them for the device once. */
  BufferSet(hailort::VDevice& device, hailort::InferModel& model, hailort::ConfiguredInferModel& configured);
  BufferSet(BufferSet&&) = default;
  BufferSet(const BufferSet&) = delete;

  std::span<std::uint8_t> input(std::size_t index) const { return inputs_[index].bytes(); }
  std::span<const std::uint8_t> output(std::size_t index) const { return outputs_[index].bytes(); }
  const hailort::ConfiguredInferModel::Bindings& bindings() const { return bindings_; }
  /** Buffers that could not be mapped: each costs a copy per transfer, and is no failure. */
  std::size_t unmapped() const { return unmapped_; }

 private:
  void map(hailort::VDevice& device, const PageBuffer& buffer, hailo_dma_buffer_direction_t direction);

  // In this order, so that the bindings and mappings go before the memory that they name.
  std::vector<PageBuffer> inputs_;
  std::vector<PageBuffer> outputs_;
  hailort::ConfiguredInferModel::Bindings bindings_;
  std::vector<hailort::DmaMappedBuffer> mappings_;
  std::size_t unmapped_ = 0;
};

}  // namespace hailstream::hailo
