#include "client/configured_model.h"

/** The public handle: every call goes to the model that it names. */
namespace hailort {

ConfiguredInferModel::ConfiguredInferModel(std::shared_ptr<StandinConfiguredModel> model) : m_model(std::move(model)) {}

Expected<ConfiguredInferModel::Bindings> ConfiguredInferModel::create_bindings() {
  return m_model->createBindings({});
}

Expected<ConfiguredInferModel::Bindings> ConfiguredInferModel::create_bindings(
    const std::map<std::string, MemoryView>& buffers) {
  return m_model->createBindings(buffers);
}

hailo_status ConfiguredInferModel::wait_for_async_ready(std::chrono::milliseconds timeout, uint32_t frames_count) {
  return m_model->waitForReady(timeout, frames_count);
}

// With the scheduler on, which is the only way here, models are activated by it.
hailo_status ConfiguredInferModel::activate() {
  return HAILO_INVALID_OPERATION;
}

hailo_status ConfiguredInferModel::deactivate() {
  return HAILO_INVALID_OPERATION;
}

hailo_status ConfiguredInferModel::run(const Bindings& bindings, std::chrono::milliseconds timeout) {
  if (const auto status = m_model->waitForReady(timeout, 1); status != HAILO_SUCCESS) return status;
  auto job = m_model->run(bindings, {});
  return job ? job->wait(timeout) : job.status();
}

Expected<AsyncInferJob> ConfiguredInferModel::run_async(const Bindings& bindings,
                                                        std::function<void(const AsyncInferCompletionInfo&)> callback) {
  return m_model->run(bindings, std::move(callback));
}

Expected<AsyncInferJob> ConfiguredInferModel::run_async(const std::vector<Bindings>& bindings,
                                                        std::function<void(const AsyncInferCompletionInfo&)> callback) {
  return m_model->run(bindings, std::move(callback));
}

Expected<LatencyMeasurementResult> ConfiguredInferModel::get_hw_latency_measurement() {
  return m_model->latency();
}

hailo_status ConfiguredInferModel::set_scheduler_timeout(const std::chrono::milliseconds& timeout) {
  return m_model->schedule("timeout", static_cast<double>(timeout.count()));
}

hailo_status ConfiguredInferModel::set_scheduler_threshold(uint32_t threshold) {
  return m_model->schedule("threshold", threshold);
}

hailo_status ConfiguredInferModel::set_scheduler_priority(uint8_t priority) {
  return m_model->schedule("priority", priority);
}

Expected<size_t> ConfiguredInferModel::get_async_queue_size() const {
  return m_model->queue();
}

hailo_status ConfiguredInferModel::shutdown() {
  return m_model->shutDown();
}

}  // namespace hailort
