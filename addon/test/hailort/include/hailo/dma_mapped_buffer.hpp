#pragma once

#include <memory>

#include "hailo/vdevice.hpp"

namespace hailort {

/** Keeps memory mapped for a device's transfers; to be destroyed before the memory is freed. */
class HAILORTAPI DmaMappedBuffer final {
 public:
  static Expected<DmaMappedBuffer> create(VDevice& vdevice, void* user_address, size_t size,
                                          hailo_dma_buffer_direction_t direction);
  ~DmaMappedBuffer();
  DmaMappedBuffer(const DmaMappedBuffer&) = delete;
  DmaMappedBuffer& operator=(const DmaMappedBuffer&) = delete;
  DmaMappedBuffer(DmaMappedBuffer&& other);
  DmaMappedBuffer& operator=(DmaMappedBuffer&& other);

 private:
  class Impl;
  explicit DmaMappedBuffer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace hailort
