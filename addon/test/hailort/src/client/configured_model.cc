#include "client/configured_model.h"

#include "client/bindings_impl.h"
#include "client/environment.h"
#include "heads/heads.h"

namespace hailort {

using standin::FrameBuffers;
using standin::Json;

namespace {

std::span<std::byte> bytesOf(MemoryView view) {
  return {reinterpret_cast<std::byte*>(view.data()), view.size()};
}

hailo_status addPlanes(FrameBuffers& frame, const hailo_pix_buffer_t& buffer, size_t expected) {
  if (buffer.memory_type != HAILO_PIX_BUFFER_MEMORY_TYPE_USERPTR) return HAILO_NOT_SUPPORTED;
  std::vector<std::span<std::byte>> planes;
  size_t bytes = 0;
  for (uint32_t i = 0; i < buffer.number_of_planes; i++) {
    const auto& plane = buffer.planes[i];
    planes.emplace_back(static_cast<std::byte*>(plane.user_ptr), plane.bytes_used);
    bytes += plane.bytes_used;
  }
  if (bytes != expected) return HAILO_INVALID_OPERATION;
  frame.addInput(planes);
  return HAILO_SUCCESS;
}

}  // namespace

StandinConfiguredModel::StandinConfiguredModel(const standin::Network& network, StandinConnection connection,
                                               StandinConfiguration configuration)
    : network_(network),
      connection_(std::move(connection)),
      configuration_(std::move(configuration)),
      life_(std::make_shared<Life>()) {
  life_->model = this;
}

StandinConfiguredModel::~StandinConfiguredModel() {
  free();
  const std::lock_guard lock(life_->mutex);
  life_->model = nullptr;
}

void StandinConfiguredModel::free() {
  const auto link = connection_.link.lock();
  if (!link) return;
  const auto freed = link->request(Json::Object{{"do", "destroy-configured"}, {"configured", configuration_.handle}});
  if (!freed)
    standin::logCritical("Failed to destroy configured infer model, status " + std::to_string(freed.status()));
}

Expected<ConfiguredInferModel::Bindings> StandinConfiguredModel::createBindings(
    const std::map<std::string, MemoryView>& buffers) {
  Bindings bindings;
  size_t used = 0;
  const auto add = [&](auto& to, const standin::StreamSettings& settings) {
    const std::string name = settings.described.name;
    Bindings::InferStream stream(std::make_shared<Bindings::InferStream::Impl>());
    if (const auto found = buffers.find(name); found != buffers.end()) {
      stream.set_buffer(found->second);
      used++;
    }
    to.emplace(name, stream);
  };
  for (const auto& settings : configuration_.inputs) add(bindings.m_inputs, settings);
  for (const auto& settings : configuration_.outputs) add(bindings.m_outputs, settings);
  if (used != buffers.size()) return make_unexpected(HAILO_INVALID_ARGUMENT);
  return bindings;
}

hailo_status StandinConfiguredModel::waitForReady(std::chrono::milliseconds timeout, uint32_t frames) {
  std::unique_lock lock(mutex_);
  const bool ready = changed_.wait_for(lock, timeout, [&] { return inFlight_ + frames <= configuration_.queue; });
  return ready ? HAILO_SUCCESS : HAILO_TIMEOUT;
}

Expected<std::shared_ptr<FrameBuffers>> StandinConfiguredModel::bind(const Bindings& bindings) const {
  auto frame = std::make_shared<FrameBuffers>(*connection_.mappings);
  const auto add = [&](const Bindings::InferStream& stream, const standin::StreamSettings& settings, bool isOutput) {
    const auto& memory = stream.m_pimpl->memory;
    const size_t expected = settings.frameBytes();
    if (const auto* view = std::get_if<MemoryView>(&memory)) {
      if (view->size() != expected) return HAILO_INVALID_OPERATION;
      isOutput ? frame->addOutput(bytesOf(*view)) : frame->addInput(bytesOf(*view));
      return HAILO_SUCCESS;
    }
    if (const auto* planes = std::get_if<hailo_pix_buffer_t>(&memory))
      return isOutput ? HAILO_NOT_SUPPORTED : addPlanes(*frame, *planes, expected);
    if (const auto* descriptor = std::get_if<hailo_dma_buffer_t>(&memory)) {
      if (descriptor->size != expected) return HAILO_INVALID_OPERATION;
      return frame->addDescriptor(descriptor->fd, expected, isOutput) ? HAILO_SUCCESS : HAILO_INVALID_ARGUMENT;
    }
    return HAILO_NOT_FOUND;
  };
  for (const auto& settings : configuration_.inputs) {
    const auto status = add(bindings.m_inputs.at(settings.described.name), settings, false);
    if (status != HAILO_SUCCESS) return make_unexpected(status);
  }
  for (const auto& settings : configuration_.outputs) {
    const auto status = add(bindings.m_outputs.at(settings.described.name), settings, true);
    if (status != HAILO_SUCCESS) return make_unexpected(status);
  }
  return frame;
}

void StandinConfiguredModel::finish(FrameBuffers& frame, hailo_status status) {
  if (status != HAILO_SUCCESS) return;
  std::vector<standin::Picture> inputs;
  for (size_t i = 0; i < configuration_.inputs.size(); i++) {
    const auto& settings = configuration_.inputs[i];
    inputs.emplace_back(frame.input(i), *settings.stream, settings.format);
  }
  std::vector<standin::Output> outputs;
  for (size_t i = 0; i < configuration_.outputs.size(); i++) {
    const auto& settings = configuration_.outputs[i];
    const auto& limits = settings.described.nms_shape;
    outputs.push_back(
        {settings.stream,
         settings.format,
         {settings.minScore, limits.max_bboxes_per_class, limits.max_bboxes_total, limits.max_accumulated_mask_size},
         frame.output(i)});
  }
  standin::encode(network_, inputs, outputs);
  frame.deliver();
}

void StandinConfiguredModel::end(FrameBuffers& frame, hailo_status status,
                                 std::chrono::steady_clock::time_point startedAt) {
  finish(frame, status);
  {
    const std::lock_guard lock(mutex_);
    inFlight_--;
    latencySum_ += std::chrono::steady_clock::now() - startedAt;
    latencyCount_++;
  }
  changed_.notify_all();
}

hailo_status StandinConfiguredModel::start(const Bindings& bindings, std::function<void(hailo_status)> done) {
  const auto frame = bind(bindings);
  if (!frame) return frame.status();
  if (const auto fault = connection_.faults->take(configuration_.handle); fault != HAILO_SUCCESS) return fault;
  const auto link = connection_.link.lock();
  if (!link) return HAILO_INTERNAL_FAILURE;
  {
    const std::lock_guard lock(mutex_);
    inFlight_++;
  }
  const Json message = Json::Object{{"do", "run"},
                                    {"configured", configuration_.handle},
                                    {"bounced", frame.value()->bounced()},
                                    {"mapped", frame.value()->mapped()}};
  const auto startedAt = std::chrono::steady_clock::now();
  const auto status = link->start(message, [life = life_, frame = frame.value(), done, startedAt](hailo_status ended) {
    {
      const std::lock_guard lock(life->mutex);
      if (life->model != nullptr) life->model->end(*frame, ended, startedAt);
    }
    done(ended);
  });
  if (status != HAILO_SUCCESS) {
    const std::lock_guard lock(mutex_);
    inFlight_--;
  }
  return status;
}

Expected<AsyncInferJob> StandinConfiguredModel::run(const Bindings& bindings, Callback callback) {
  const auto job = std::make_shared<StandinJob>();
  const auto status = start(bindings, [job, callback](hailo_status ended) {
    job->finishPart(ended);
    if (callback) callback(AsyncInferCompletionInfo(ended));
    job->release();
  });
  if (status == HAILO_SUCCESS) return AsyncInferJob(job);
  // A run that could not start ends the whole model: whoever wants to go on configures it anew.
  shutDown();
  return make_unexpected(status);
}

Expected<AsyncInferJob> StandinConfiguredModel::run(const std::vector<Bindings>& bindings, Callback callback) {
  const auto job = std::make_shared<StandinJob>(static_cast<uint32_t>(bindings.size()));
  for (const auto& frame : bindings) {
    const auto status = start(frame, [job, callback](hailo_status ended) {
      if (!job->finishPart(ended)) return;
      if (callback) callback(AsyncInferCompletionInfo(job->status()));
      job->release();
    });
    if (status == HAILO_SUCCESS) continue;
    shutDown();
    return make_unexpected(status);
  }
  return AsyncInferJob(job);
}

hailo_status StandinConfiguredModel::schedule(const std::string& what, double value) {
  const auto link = connection_.link.lock();
  if (!link) return HAILO_INTERNAL_FAILURE;
  return link
      ->request(
          Json::Object{{"do", "schedule"}, {"configured", configuration_.handle}, {"what", what}, {"value", value}})
      .status();
}

hailo_status StandinConfiguredModel::shutDown() {
  const auto link = connection_.link.lock();
  if (!link) return HAILO_INTERNAL_FAILURE;
  return link->request(Json::Object{{"do", "shut-down"}, {"configured", configuration_.handle}}).status();
}

Expected<LatencyMeasurementResult> StandinConfiguredModel::latency() {
  const std::lock_guard lock(mutex_);
  if (!configuration_.measuresLatency || latencyCount_ == 0) return make_unexpected(HAILO_NOT_AVAILABLE);
  return LatencyMeasurementResult{latencySum_ / latencyCount_};
}

}  // namespace hailort
