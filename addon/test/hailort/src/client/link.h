#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/line_socket.h"
#include "hailo/expected.hpp"

namespace standin {

using hailort::Expected;
using hailort::make_unexpected;

/** Ordinary calls: 10 s, or HAILO_REQUEST_TIMEOUT_SECONDS. */
std::chrono::milliseconds requestTimeout();
/** Calls that load: 45 s, or HAILORT_STANDIN_LONG_TIMEOUT_SECONDS. */
std::chrono::milliseconds longTimeout();

/**
 * A connection to the device with its message-loop thread, which delivers all that the device says: answers wake their
 * callers; ends of jobs and notifications are handled on the loop itself, one after another. A handler that blocks
 * holds up everything else, answers too.
 */
class Link : public std::enable_shared_from_this<Link> {
 public:
  using JobDone = std::function<void(hailo_status)>;
  using EventHandler = std::function<void(const Json&)>;

  /** 89 when nobody listens at the socket of HAILORT_STANDIN_SOCKET; 76 when the driver is of another version. */
  static Expected<std::shared_ptr<Link>> open();
  ~Link();

  /** The answer to a control call. 4 when it does not come in time, 62 when the device is gone. */
  Expected<Json> request(Json message, std::chrono::milliseconds timeout = requestTimeout());
  /** Sends a frame; `done` is called on the loop, also with 62 when the device goes. Does not wait. */
  hailo_status start(Json message, JobDone done);
  void onEvent(EventHandler handler);

 private:
  struct Answer {
    bool here = false;
    Json message;
  };

  explicit Link(LineSocket socket) : socket_(std::move(socket)) {}
  hailo_status greet();
  void loop();
  void deliver(const Json& message);
  void close();

  LineSocket socket_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool closed_ = false;
  std::uint64_t lastId_ = 0;
  std::map<std::uint64_t, Answer> answers_;
  std::map<std::uint64_t, JobDone> jobs_;
  EventHandler eventHandler_;
};

}  // namespace standin
