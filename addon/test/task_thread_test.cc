#include "core/task_thread.h"

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "check.h"
#include "core/error.h"

using namespace hailstream;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

/** Occupies the thread until it is let go. */
struct Blocker {
  std::promise<void> started, release;

  explicit Blocker(TaskThread& thread) {
    thread.post([this] {
      started.set_value();
      release.get_future().wait();
    });
    started.get_future().wait();
  }
};

ErrorCode refusal(TaskThread& thread) {
  return check::throws<Error>([&] { thread.post([] {}); }).code();
}

}  // namespace

TEST("runs tasks in order on one other thread") {
  TaskThread thread("test", 100);
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 100; i++)
    thread.post([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  thread.end();
  check::isTrue(thread.waitForEnd(patience), "the thread to end");
  check::equals(order.size(), 100u);
  for (int i = 0; i < 100; i++) check::equals(order[static_cast<std::size_t>(i)], i);
  for (const auto& id : threads)
    check::isTrue(id == threads[0] && id != std::this_thread::get_id(), "one other thread");
}

TEST("refuses tasks beyond its limit as busy, and all after its end as closed, and still runs what waited") {
  TaskThread thread("test", 2);
  Blocker blocker(thread);
  int ran = 0;
  thread.post([&] { ran++; });
  thread.post([&] { ran++; });
  check::isTrue(refusal(thread) == ErrorCode::busy, "busy");
  thread.end();
  check::isTrue(refusal(thread) == ErrorCode::closed, "closed");
  check::isTrue(!thread.waitForEnd(1ms), "a task to be under way");
  blocker.release.set_value();
  check::isTrue(thread.waitForEnd(patience), "the thread to end");
  check::equals(ran, 2);
}

TEST("may be let go by its own task") {
  std::promise<void> done;
  auto thread = std::make_shared<TaskThread>("test", 2);
  TaskThread& kept = *thread;
  kept.post([held = std::move(thread), &done]() mutable {
    held.reset();
    done.set_value();
  });
  check::isTrue(done.get_future().wait_for(patience) == std::future_status::ready, "the task to end");
}
