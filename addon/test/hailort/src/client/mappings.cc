#include "client/vdevice_client.h"
#include "hailo/dma_mapped_buffer.hpp"

namespace hailort {

hailo_status Mappings::add(const void* address, size_t size) {
  const std::lock_guard lock(mutex_);
  const bool added = all_.emplace(static_cast<const std::byte*>(address), size).second;
  return added ? HAILO_SUCCESS : HAILO_DMA_MAPPING_ALREADY_EXISTS;
}

hailo_status Mappings::remove(const void* address) {
  const std::lock_guard lock(mutex_);
  return all_.erase(static_cast<const std::byte*>(address)) == 1 ? HAILO_SUCCESS : HAILO_NOT_FOUND;
}

bool Mappings::covers(const void* address, size_t size) const {
  const std::lock_guard lock(mutex_);
  const auto* first = static_cast<const std::byte*>(address);
  auto after = all_.upper_bound(first);
  if (after == all_.begin()) return false;
  const auto& [start, length] = *std::prev(after);
  return first + size <= start + length;
}

void FaultedRuns::set(int configured, hailo_status status) {
  const std::lock_guard lock(mutex_);
  all_[configured] = status;
}

hailo_status FaultedRuns::take(int configured) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.extract(configured);
  return found ? found.mapped() : HAILO_SUCCESS;
}

class DmaMappedBuffer::Impl {
 public:
  Impl(VDevice& device, void* address, size_t size, hailo_dma_buffer_direction_t direction)
      : device_(device), address_(address), size_(size), direction_(direction) {}
  ~Impl() { device_.dma_unmap(address_, size_, direction_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  VDevice& device_;
  void* address_;
  size_t size_;
  hailo_dma_buffer_direction_t direction_;
};

Expected<DmaMappedBuffer> DmaMappedBuffer::create(VDevice& vdevice, void* user_address, size_t size,
                                                  hailo_dma_buffer_direction_t direction) {
  if (const auto status = vdevice.dma_map(user_address, size, direction); status != HAILO_SUCCESS)
    return make_unexpected(status);
  return DmaMappedBuffer(std::make_unique<Impl>(vdevice, user_address, size, direction));
}

DmaMappedBuffer::DmaMappedBuffer(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
DmaMappedBuffer::~DmaMappedBuffer() = default;
DmaMappedBuffer::DmaMappedBuffer(DmaMappedBuffer&& other) = default;
DmaMappedBuffer& DmaMappedBuffer::operator=(DmaMappedBuffer&& other) = default;

}  // namespace hailort
