#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace hailstream {

/**
 * A thread that runs tasks one after another, for calls that may block for seconds. Nobody joins it: a task that never
 * returns keeps its thread, and whoever waits does so with a deadline. May be let go from any thread, its own included.
 */
class TaskThread {
 public:
  /** `name` shows in debuggers, at most 15 bytes; more than `limit` waiting tasks are refused. */
  TaskThread(const char* name, std::size_t limit);
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /** Queues a task, which must not throw. Throws `busy` when the queue is full and `closed` after `end`. */
  void post(std::function<void()> task);
  /** Takes no more tasks; the thread ends when it has run what waits. */
  void end();
  /** Waits until the thread has ended, at most so long; says whether it has. */
  bool waitForEnd(std::chrono::milliseconds deadline);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace hailstream
