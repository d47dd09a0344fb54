#pragma once

#include <memory>
#include <span>
#include <vector>

#include "client/vdevice_client.h"
#include "hailo/buffer.hpp"

namespace standin {

/**
 * A frame's memory as the device sees it. Page-aligned memory is used where it lies; other memory goes through a copy,
 * which is counted, as is memory that had to be mapped for this frame alone.
 */
class FrameBuffers {
 public:
  explicit FrameBuffers(const hailort::Mappings& mappings) : mappings_(mappings) {}
  ~FrameBuffers();
  FrameBuffers(const FrameBuffers&) = delete;
  FrameBuffers& operator=(const FrameBuffers&) = delete;

  void addInput(std::span<std::byte> memory);
  void addOutput(std::span<std::byte> memory);
  /** Pieces of a picture, one after another. */
  void addInput(const std::vector<std::span<std::byte>>& planes);
  /** False when the descriptor cannot be mapped. */
  bool addDescriptor(int fd, std::size_t size, bool isOutput);

  std::span<std::byte> input(std::size_t index) const { return inputs_[index].seen; }
  std::span<std::byte> output(std::size_t index) const { return outputs_[index].seen; }
  /** Copies what went through a copy back to the caller. */
  void deliver();
  int bounced() const { return bounced_; }
  int mapped() const { return mapped_; }

 private:
  struct Part {
    std::span<std::byte> seen;
    std::span<std::byte> caller;
    std::vector<std::byte> copy;
  };

  Part toPart(std::span<std::byte> memory, bool isInput);

  const hailort::Mappings& mappings_;
  std::vector<Part> inputs_;
  std::vector<Part> outputs_;
  std::vector<std::span<std::byte>> descriptors_;
  int bounced_ = 0;
  int mapped_ = 0;
};

}  // namespace standin
