#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "core/error.h"
#include "core/task_thread.h"

namespace hailstream::hailo {

/**
 * The abort of one generation, which runs once at most. It blocks for a token and more, so that it has a thread of its
 * own; what is aborted must not go away meanwhile.
 */
class Interrupt : public std::enable_shared_from_this<Interrupt> {
 public:
  /** Aborts on that thread. */
  explicit Interrupt(std::shared_ptr<TaskThread> thread) : thread_(std::move(thread)) {}

  /** Asks for the end, from any thread; returns at once. */
  void request() {
    {
      const std::lock_guard guard(lock_);
      if (std::exchange(requested_, true)) return;
    }
    try {
      thread_->post([self = shared_from_this()] { self->run(); });
    } catch (const Error&) {
      // Aborts before it have not come back: the device hangs, and the deadline of the reading ends it.
    }
  }

  bool requested() const {
    const std::lock_guard guard(lock_);
    return requested_;
  }

  /** There is something to abort from now on. False when the request came before: then `run` has to be called. */
  bool arm(std::function<void()> abort) {
    const std::lock_guard guard(lock_);
    abort_ = std::move(abort);
    return !requested_;
  }

  /** Aborts, unless there is nothing to abort or it has been done. */
  void run() {
    std::unique_lock guard(lock_);
    if (!abort_) return;
    const auto abort = std::exchange(abort_, nullptr);
    running_ = true;
    guard.unlock();
    abort();
    guard.lock();
    running_ = false;
    changed_.notify_all();
  }

  /** Nothing is left to abort. False when an abort under way has not come back by the deadline. */
  bool disarm(std::chrono::milliseconds deadline) {
    std::unique_lock guard(lock_);
    abort_ = nullptr;
    return changed_.wait_for(guard, deadline, [&] { return !running_; });
  }

 private:
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::shared_ptr<TaskThread> thread_;
  std::function<void()> abort_;
  bool requested_ = false;
  bool running_ = false;
};

}  // namespace hailstream::hailo
