#include "client/configured_model.h"
#include "client/environment.h"

namespace hailort {
namespace {

/** How long the destructor of a job waits that was neither detached nor waited for. */
constexpr std::chrono::seconds destructorTimeout(10);

}  // namespace

bool StandinJob::finishPart(hailo_status status) {
  const std::lock_guard lock(mutex_);
  if (status_ == HAILO_SUCCESS) status_ = status;
  return --left_ == 0;
}

void StandinJob::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

hailo_status StandinJob::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

hailo_status StandinJob::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return released_; }) ? status_ : HAILO_TIMEOUT;
}

AsyncInferJob::AsyncInferJob(std::shared_ptr<StandinJob> job) : m_job(std::move(job)), m_should_wait_in_dtor(true) {}

AsyncInferJob::AsyncInferJob(AsyncInferJob&& other)
    : m_job(std::move(other.m_job)), m_should_wait_in_dtor(std::exchange(other.m_should_wait_in_dtor, false)) {}

// What it held before is let go without waiting, as HailoRT does.
AsyncInferJob& AsyncInferJob::operator=(AsyncInferJob&& other) {
  m_job = std::move(other.m_job);
  m_should_wait_in_dtor = std::exchange(other.m_should_wait_in_dtor, false);
  return *this;
}

AsyncInferJob::~AsyncInferJob() {
  if (!m_should_wait_in_dtor) return;
  const auto status = wait(destructorTimeout);
  if (status != HAILO_SUCCESS)
    standin::logCritical("Could not finish async infer request, status " + std::to_string(status));
}

hailo_status AsyncInferJob::wait(std::chrono::milliseconds timeout) {
  m_should_wait_in_dtor = false;
  return m_job ? m_job->wait(timeout) : HAILO_SUCCESS;
}

void AsyncInferJob::detach() {
  m_should_wait_in_dtor = false;
}

}  // namespace hailort
