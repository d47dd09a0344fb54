#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>

#include "hailo/expected.hpp"

namespace hailort {

class Buffer;
class MemoryView;
using BufferPtr = std::shared_ptr<Buffer>;

struct HAILORTAPI BufferStorageParams {
 public:
  /** Page-aligned memory of whole pages. */
  static BufferStorageParams create_dma();
  BufferStorageParams();

  hailo_buffer_flags_t flags;
  std::string shared_memory_name;
  bool memory_owner;
};

class HAILORTAPI Buffer final {
 public:
  Buffer();
  ~Buffer();
  Buffer(const Buffer& other) = delete;
  Buffer& operator=(const Buffer& other) = delete;
  Buffer(Buffer&& other);
  Buffer& operator=(Buffer&& other);

  static Expected<Buffer> create(size_t size, const BufferStorageParams& params = {});
  static Expected<Buffer> create(size_t size, uint8_t default_value, const BufferStorageParams& params = {});
  static Expected<Buffer> create(const uint8_t* src, size_t size, const BufferStorageParams& params = {});
  static Expected<Buffer> create(std::initializer_list<uint8_t> init, const BufferStorageParams& params = {});
  static Expected<BufferPtr> create_shared(size_t size, const BufferStorageParams& params = {});
  static Expected<BufferPtr> create_shared(size_t size, uint8_t default_value, const BufferStorageParams& params = {});
  static Expected<BufferPtr> create_shared(const uint8_t* src, size_t size, const BufferStorageParams& params = {});

  Expected<Buffer> copy() const;
  bool operator==(const Buffer& rhs) const;
  bool operator!=(const Buffer& rhs) const;
  uint8_t& operator[](size_t pos);
  const uint8_t& operator[](size_t pos) const;
  uint8_t* data() noexcept;
  const uint8_t* data() const noexcept;
  size_t size() const noexcept;
  std::string to_string() const;
  template <typename T, std::enable_if_t<std::is_trivially_copyable_v<T>, int> = 0>
  T* as_pointer() const {
    return reinterpret_cast<T*>(m_data);
  }
  MemoryView as_view();
  const MemoryView as_view() const;

 private:
  uint8_t* m_data;
  size_t m_size;
};

/** Bytes of somebody else. */
class HAILORTAPI MemoryView final {
 public:
  MemoryView() noexcept;
  explicit MemoryView(Buffer& buffer) noexcept;
  explicit MemoryView(BufferPtr buffer) noexcept;
  MemoryView(void* data, size_t size) noexcept;
  MemoryView(const std::string& data) noexcept;
  ~MemoryView() = default;
  MemoryView(const MemoryView&) noexcept = default;
  MemoryView& operator=(const MemoryView&) noexcept = default;
  MemoryView(MemoryView&&) noexcept = default;
  MemoryView& operator=(MemoryView&&) noexcept = default;

  static const MemoryView create_const(const void* data, size_t size) noexcept;
  uint8_t* data() noexcept;
  const uint8_t* data() const noexcept;
  size_t size() const noexcept;
  bool empty() const noexcept;
  bool operator==(const MemoryView& rhs) const noexcept {
    return m_size == rhs.m_size && std::memcmp(m_data, rhs.m_data, m_size) == 0;
  }
  bool operator!=(const MemoryView& rhs) const noexcept { return !(*this == rhs); }
  template <typename T, std::enable_if_t<std::is_trivially_copyable_v<T>, int> = 0>
  T* as_pointer() const {
    return reinterpret_cast<T*>(m_data);
  }

 private:
  void* m_data;
  size_t m_size;
};

}  // namespace hailort
