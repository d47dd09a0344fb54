#include "client/frame_buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace standin {
namespace {

bool isAligned(std::span<std::byte> memory) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return reinterpret_cast<std::uintptr_t>(memory.data()) % page == 0;
}

}  // namespace

FrameBuffers::~FrameBuffers() {
  for (const auto& mapped : descriptors_) ::munmap(mapped.data(), mapped.size());
}

FrameBuffers::Part FrameBuffers::toPart(std::span<std::byte> memory, bool isInput) {
  if (isAligned(memory)) {
    if (!mappings_.covers(memory.data(), memory.size())) mapped_++;
    return {memory, memory, {}};
  }
  bounced_++;
  Part part{{}, memory, std::vector<std::byte>(memory.size())};
  part.seen = part.copy;
  if (isInput) std::memcpy(part.seen.data(), memory.data(), memory.size());
  return part;
}

void FrameBuffers::addInput(std::span<std::byte> memory) {
  inputs_.push_back(toPart(memory, true));
}

void FrameBuffers::addOutput(std::span<std::byte> memory) {
  outputs_.push_back(toPart(memory, false));
}

void FrameBuffers::addInput(const std::vector<std::span<std::byte>>& planes) {
  Part part;
  for (const auto& plane : planes) part.copy.insert(part.copy.end(), plane.begin(), plane.end());
  part.seen = part.copy;
  inputs_.push_back(std::move(part));
}

bool FrameBuffers::addDescriptor(int fd, std::size_t size, bool isOutput) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return false;
  descriptors_.emplace_back(static_cast<std::byte*>(memory), size);
  (isOutput ? outputs_ : inputs_).push_back({descriptors_.back(), descriptors_.back(), {}});
  return true;
}

void FrameBuffers::deliver() {
  for (const auto& part : outputs_) {
    if (!part.copy.empty()) std::memcpy(part.caller.data(), part.copy.data(), part.copy.size());
  }
}

}  // namespace standin
