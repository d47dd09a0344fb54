#include "client/bindings_impl.h"

namespace hailort {
namespace {

using Bindings = ConfiguredInferModel::Bindings;
using Streams = std::unordered_map<std::string, Bindings::InferStream>;

Expected<Bindings::InferStream> only(const Streams& streams) {
  if (streams.size() != 1) return make_unexpected(HAILO_INVALID_OPERATION);
  return Bindings::InferStream(streams.begin()->second);
}

Expected<Bindings::InferStream> named(const Streams& streams, const std::string& name) {
  const auto found = streams.find(name);
  if (found == streams.end()) return make_unexpected(HAILO_NOT_FOUND);
  return Bindings::InferStream(found->second);
}

}  // namespace

Bindings::InferStream::InferStream(std::shared_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}

hailo_status Bindings::InferStream::set_buffer(MemoryView view) {
  m_pimpl->memory = view;
  return HAILO_SUCCESS;
}

Expected<MemoryView> Bindings::InferStream::get_buffer() const {
  const auto* view = std::get_if<MemoryView>(&m_pimpl->memory);
  if (view == nullptr) return make_unexpected(HAILO_INVALID_OPERATION);
  return MemoryView(*view);
}

hailo_status Bindings::InferStream::set_pix_buffer(const hailo_pix_buffer_t& pix_buffer) {
  m_pimpl->memory = pix_buffer;
  return HAILO_SUCCESS;
}

Expected<hailo_pix_buffer_t> Bindings::InferStream::get_pix_buffer() const {
  const auto* planes = std::get_if<hailo_pix_buffer_t>(&m_pimpl->memory);
  if (planes == nullptr) return make_unexpected(HAILO_INVALID_OPERATION);
  return hailo_pix_buffer_t(*planes);
}

hailo_status Bindings::InferStream::set_dma_buffer(hailo_dma_buffer_t dma_buffer) {
  m_pimpl->memory = dma_buffer;
  return HAILO_SUCCESS;
}

Expected<hailo_dma_buffer_t> Bindings::InferStream::get_dma_buffer() const {
  const auto* descriptor = std::get_if<hailo_dma_buffer_t>(&m_pimpl->memory);
  if (descriptor == nullptr) return make_unexpected(HAILO_INVALID_OPERATION);
  return hailo_dma_buffer_t(*descriptor);
}

// A copy keeps the buffers of the first, and what is set on either later stays its own.
Bindings::Bindings(const Bindings& other) {
  *this = other;
}

Bindings& Bindings::operator=(const Bindings& other) {
  if (this == &other) return *this;
  const auto copy = [](const Streams& from, Streams& to) {
    to.clear();
    for (const auto& [name, stream] : from)
      to.emplace(name, InferStream(std::make_shared<InferStream::Impl>(*stream.m_pimpl)));
  };
  copy(other.m_inputs, m_inputs);
  copy(other.m_outputs, m_outputs);
  return *this;
}

Expected<Bindings::InferStream> Bindings::input() {
  return only(m_inputs);
}

Expected<Bindings::InferStream> Bindings::output() {
  return only(m_outputs);
}

Expected<Bindings::InferStream> Bindings::input(const std::string& name) {
  return named(m_inputs, name);
}

Expected<Bindings::InferStream> Bindings::output(const std::string& name) {
  return named(m_outputs, name);
}

Expected<Bindings::InferStream> Bindings::input() const {
  return only(m_inputs);
}

Expected<Bindings::InferStream> Bindings::output() const {
  return only(m_outputs);
}

Expected<Bindings::InferStream> Bindings::input(const std::string& name) const {
  return named(m_inputs, name);
}

Expected<Bindings::InferStream> Bindings::output(const std::string& name) const {
  return named(m_outputs, name);
}

}  // namespace hailort
