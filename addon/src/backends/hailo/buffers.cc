#include "backends/hailo/buffers.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace hailstream::hailo {

PageBuffer::PageBuffer(std::size_t bytes) : bytes_(bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  capacity_ = std::max<std::size_t>(1, (bytes + page - 1) / page) * page;
  memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(page, capacity_)));
  if (!memory_) throw std::bad_alloc();
  std::memset(memory_.get(), 0, capacity_);
}

void PageBuffer::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

BufferSet::BufferSet(hailort::VDevice& device, hailort::InferModel& model, hailort::ConfiguredInferModel& configured)
    : bindings_(take(configured.create_bindings(), "bindings of the model")) {
  for (const auto& stream : model.inputs()) {
    const auto& buffer = inputs_.emplace_back(stream.get_frame_size());
    auto bound = take(bindings_.input(stream.name()), "the input " + stream.name());
    require(bound.set_buffer(hailort::MemoryView(buffer.bytes().data(), buffer.bytes().size())), "to bind an input");
    map(device, buffer, HAILO_DMA_BUFFER_DIRECTION_H2D);
  }
  for (const auto& stream : model.outputs()) {
    const auto& buffer = outputs_.emplace_back(stream.get_frame_size());
    auto bound = take(bindings_.output(stream.name()), "the output " + stream.name());
    require(bound.set_buffer(hailort::MemoryView(buffer.bytes().data(), buffer.bytes().size())), "to bind an output");
    map(device, buffer, HAILO_DMA_BUFFER_DIRECTION_D2H);
  }
}

void BufferSet::map(hailort::VDevice& device, const PageBuffer& buffer, hailo_dma_buffer_direction_t direction) {
  auto mapping = hailort::DmaMappedBuffer::create(device, buffer.bytes().data(), buffer.capacity(), direction);
  if (mapping)
    mappings_.push_back(mapping.release());
  else
    unmapped_++;
}

}  // namespace hailstream::hailo
