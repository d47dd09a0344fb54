#include "client/link.h"

#include <unistd.h>

#include <cstdlib>

#include "client/environment.h"

namespace standin {
namespace {

std::chrono::milliseconds secondsOf(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  const double seconds = text == nullptr ? otherwise : std::atof(text);
  return std::chrono::milliseconds(static_cast<int>(1000 * (seconds > 0 ? seconds : otherwise)));
}

}  // namespace

std::chrono::milliseconds requestTimeout() {
  return secondsOf("HAILO_REQUEST_TIMEOUT_SECONDS", 10);
}

std::chrono::milliseconds longTimeout() {
  return secondsOf("HAILORT_STANDIN_LONG_TIMEOUT_SECONDS", 45);
}

Expected<std::shared_ptr<Link>> Link::open() {
  LineSocket socket;
  if (socket.connect(socketPath()) != 0) return make_unexpected(HAILO_CONNECTION_REFUSED);
  std::shared_ptr<Link> link(new Link(std::move(socket)));
  link->thread_ = std::thread([raw = link.get()] { raw->loop(); });
  if (const auto status = link->greet(); status != HAILO_SUCCESS) return make_unexpected(status);
  return link;
}

hailo_status Link::greet() {
  return request(Json::Object{{"do", "hello"}, {"pid", static_cast<int>(::getpid())}, {"library", libraryVersion()}})
      .status();
}

Link::~Link() {
  socket_.shutDown();
  // A handler that destroys its own link ends the process here: as with HailoRT, callbacks must not free devices.
  if (thread_.joinable()) thread_.join();
}

Expected<Json> Link::request(Json message, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (closed_) return make_unexpected(HAILO_COMMUNICATION_CLOSED);
  const auto id = ++lastId_;
  message.set("id", id);
  answers_[id];
  lock.unlock();
  socket_.send(message);
  lock.lock();
  const bool came = answered_.wait_for(lock, timeout, [&] { return closed_ || answers_[id].here; });
  const Answer answer = std::move(answers_[id]);
  answers_.erase(id);
  if (!came) return make_unexpected(HAILO_TIMEOUT);
  if (!answer.here) return make_unexpected(HAILO_COMMUNICATION_CLOSED);
  const auto status = static_cast<hailo_status>(answer.message["status"].integer());
  if (status != HAILO_SUCCESS) return make_unexpected(status);
  return Json(answer.message);
}

hailo_status Link::start(Json message, JobDone done) {
  std::unique_lock lock(mutex_);
  if (closed_) return HAILO_COMMUNICATION_CLOSED;
  const auto id = ++lastId_;
  message.set("job", id);
  jobs_[id] = std::move(done);
  lock.unlock();
  // A failed send shows on the loop as well, which then ends every job.
  socket_.send(message);
  return HAILO_SUCCESS;
}

void Link::onEvent(EventHandler handler) {
  const std::lock_guard lock(mutex_);
  eventHandler_ = std::move(handler);
}

void Link::loop() {
  while (const auto message = socket_.receive()) deliver(*message);
  close();
}

void Link::deliver(const Json& message) {
  std::unique_lock lock(mutex_);
  if (message.has("event")) {
    const auto handler = eventHandler_;
    lock.unlock();
    if (handler) handler(message);
    return;
  }
  if (message.has("done")) {
    auto found = jobs_.extract(static_cast<std::uint64_t>(message["done"].integer()));
    lock.unlock();
    if (found) found.mapped()(static_cast<hailo_status>(message["status"].integer()));
    return;
  }
  // An answer whose caller has given up finds no place.
  const auto found = answers_.find(static_cast<std::uint64_t>(message["id"].integer()));
  if (found == answers_.end()) return;
  found->second = {true, message};
  answered_.notify_all();
}

void Link::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  answered_.notify_all();
  // The last first, as HailoRT does.
  while (!jobs_.empty()) {
    auto job = jobs_.extract(std::prev(jobs_.end()));
    lock.unlock();
    job.mapped()(HAILO_COMMUNICATION_CLOSED);
    lock.lock();
  }
}

}  // namespace standin
