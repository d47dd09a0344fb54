#include "core/task_thread.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "core/error.h"

namespace hailstream {

struct TaskThread::State {
  std::mutex lock;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  std::size_t limit = 0;
  bool ending = false;
  bool ended = false;
};

TaskThread::TaskThread(const char* name, std::size_t limit) : state_(std::make_shared<State>()) {
  state_->limit = limit;
  std::thread thread([state = state_] { run(state); });
  pthread_setname_np(thread.native_handle(), std::string(name).substr(0, 15).c_str());
  thread.detach();
}

TaskThread::~TaskThread() {
  end();
}

void TaskThread::run(const std::shared_ptr<State>& state) {
  std::unique_lock guard(state->lock);
  while (true) {
    state->changed.wait(guard, [&] { return state->ending || !state->tasks.empty(); });
    if (state->tasks.empty()) break;
    auto task = std::move(state->tasks.front());
    state->tasks.pop_front();
    guard.unlock();
    task();
    task = nullptr;
    guard.lock();
  }
  state->ended = true;
  state->changed.notify_all();
}

void TaskThread::post(std::function<void()> task) {
  const std::lock_guard guard(state_->lock);
  if (state_->ending) throw Error(ErrorCode::closed, "Expected an open handle, received one that was closed");
  if (state_->tasks.size() >= state_->limit)
    throw Error(ErrorCode::busy, "Expected at most " + std::to_string(state_->limit) + " waiting calls, received more");
  state_->tasks.push_back(std::move(task));
  state_->changed.notify_all();
}

void TaskThread::end() {
  const std::lock_guard guard(state_->lock);
  state_->ending = true;
  state_->changed.notify_all();
}

bool TaskThread::waitForEnd(std::chrono::milliseconds deadline) {
  std::unique_lock guard(state_->lock);
  return state_->changed.wait_for(guard, deadline, [&] { return state_->ended; });
}

}  // namespace hailstream
