#include "hailo/buffer.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <new>

namespace hailort {
namespace {

std::size_t pageSize() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::uint8_t* allocate(std::size_t size, const BufferStorageParams& params) {
  if (size == 0) return nullptr;
  if ((params.flags & HAILO_BUFFER_FLAGS_DMA) == 0) return static_cast<std::uint8_t*>(std::malloc(size));
  const std::size_t whole = (size + pageSize() - 1) / pageSize() * pageSize();
  return static_cast<std::uint8_t*>(std::aligned_alloc(pageSize(), whole));
}

}  // namespace

BufferStorageParams::BufferStorageParams() : flags(HAILO_BUFFER_FLAGS_NONE), memory_owner(true) {}

BufferStorageParams BufferStorageParams::create_dma() {
  BufferStorageParams params;
  params.flags = HAILO_BUFFER_FLAGS_DMA;
  return params;
}

Buffer::Buffer() : m_data(nullptr), m_size(0) {}

Buffer::~Buffer() {
  std::free(m_data);
}

Buffer::Buffer(Buffer&& other) : m_data(std::exchange(other.m_data, nullptr)), m_size(std::exchange(other.m_size, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) {
  std::swap(m_data, other.m_data);
  std::swap(m_size, other.m_size);
  return *this;
}

Expected<Buffer> Buffer::create(size_t size, const BufferStorageParams& params) {
  if (params.flags & HAILO_BUFFER_FLAGS_SHARED_MEMORY) return make_unexpected(HAILO_NOT_IMPLEMENTED);
  Buffer buffer;
  buffer.m_data = allocate(size, params);
  buffer.m_size = size;
  if (size > 0 && buffer.m_data == nullptr) return make_unexpected(HAILO_OUT_OF_HOST_MEMORY);
  return buffer;
}

Expected<Buffer> Buffer::create(size_t size, uint8_t default_value, const BufferStorageParams& params) {
  auto buffer = create(size, params);
  if (buffer && size > 0) std::memset(buffer->data(), default_value, size);
  return buffer;
}

Expected<Buffer> Buffer::create(const uint8_t* src, size_t size, const BufferStorageParams& params) {
  auto buffer = create(size, params);
  if (buffer && size > 0) std::memcpy(buffer->data(), src, size);
  return buffer;
}

Expected<Buffer> Buffer::create(std::initializer_list<uint8_t> init, const BufferStorageParams& params) {
  return create(std::data(init), init.size(), params);
}

namespace {

Expected<BufferPtr> share(Expected<Buffer> buffer) {
  if (!buffer) return make_unexpected(buffer.status());
  return std::make_shared<Buffer>(buffer.release());
}

}  // namespace

Expected<BufferPtr> Buffer::create_shared(size_t size, const BufferStorageParams& params) {
  return share(create(size, params));
}

Expected<BufferPtr> Buffer::create_shared(size_t size, uint8_t default_value, const BufferStorageParams& params) {
  return share(create(size, default_value, params));
}

Expected<BufferPtr> Buffer::create_shared(const uint8_t* src, size_t size, const BufferStorageParams& params) {
  return share(create(src, size, params));
}

Expected<Buffer> Buffer::copy() const {
  return create(m_data, m_size);
}

bool Buffer::operator==(const Buffer& rhs) const {
  return m_size == rhs.m_size && (m_size == 0 || std::memcmp(m_data, rhs.m_data, m_size) == 0);
}

bool Buffer::operator!=(const Buffer& rhs) const {
  return !(*this == rhs);
}

uint8_t& Buffer::operator[](size_t pos) {
  assert(pos < m_size);
  return m_data[pos];
}

const uint8_t& Buffer::operator[](size_t pos) const {
  assert(pos < m_size);
  return m_data[pos];
}

uint8_t* Buffer::data() noexcept {
  return m_data;
}

const uint8_t* Buffer::data() const noexcept {
  return m_data;
}

size_t Buffer::size() const noexcept {
  return m_size;
}

std::string Buffer::to_string() const {
  return std::string(reinterpret_cast<const char*>(m_data), m_size);
}

MemoryView Buffer::as_view() {
  return MemoryView(*this);
}

const MemoryView Buffer::as_view() const {
  return MemoryView::create_const(m_data, m_size);
}

MemoryView::MemoryView() noexcept : m_data(nullptr), m_size(0) {}
MemoryView::MemoryView(Buffer& buffer) noexcept : m_data(buffer.data()), m_size(buffer.size()) {}
MemoryView::MemoryView(BufferPtr buffer) noexcept : m_data(buffer->data()), m_size(buffer->size()) {}
MemoryView::MemoryView(void* data, size_t size) noexcept : m_data(data), m_size(size) {}
MemoryView::MemoryView(const std::string& data) noexcept
    : m_data(const_cast<char*>(data.data())), m_size(data.size()) {}

const MemoryView MemoryView::create_const(const void* data, size_t size) noexcept {
  return MemoryView(const_cast<void*>(data), size);
}

uint8_t* MemoryView::data() noexcept {
  return static_cast<uint8_t*>(m_data);
}

const uint8_t* MemoryView::data() const noexcept {
  return static_cast<const uint8_t*>(m_data);
}

size_t MemoryView::size() const noexcept {
  return m_size;
}

bool MemoryView::empty() const noexcept {
  return m_size == 0;
}

}  // namespace hailort
