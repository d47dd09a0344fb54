#include <future>

#include "backends/hailo/interrupt.h"
#include "check.h"

using namespace hailstream;
using hailo::Interrupt;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

struct Aborting {
  std::shared_ptr<TaskThread> thread = std::make_shared<TaskThread>("test", 4);
  std::shared_ptr<Interrupt> interrupt = std::make_shared<Interrupt>(thread);

  /** Until the thread has done all that it was asked. */
  void drain() {
    thread->end();
    check::isTrue(thread->waitForEnd(patience), "the aborting thread to end");
  }
};

}  // namespace

TEST("aborts once, however often it is asked") {
  Aborting aborting;
  int aborts = 0;
  check::isTrue(aborting.interrupt->arm([&] { aborts++; }), "no request so far");
  aborting.interrupt->request();
  aborting.interrupt->request();
  aborting.drain();
  aborting.interrupt->run();
  check::equals(aborts, 1);
  check::isTrue(aborting.interrupt->requested(), "the request to be remembered");
}

TEST("says at arming that the request came before, and still aborts once only") {
  Aborting aborting;
  aborting.interrupt->request();
  int aborts = 0;
  if (!aborting.interrupt->arm([&] { aborts++; })) aborting.interrupt->run();
  aborting.drain();
  check::equals(aborts, 1);
}

TEST("aborts nothing that has been disarmed") {
  Aborting aborting;
  aborting.interrupt->arm([] { check::fail("expected no abort", check::Place::current()); });
  check::isTrue(aborting.interrupt->disarm(1ms), "nothing under way");
  aborting.interrupt->request();
  aborting.drain();
}

TEST("waits at disarming for an abort under way, but not beyond the deadline") {
  Aborting aborting;
  std::promise<void> started, release;
  aborting.interrupt->arm([&] {
    started.set_value();
    release.get_future().wait();
  });
  aborting.interrupt->request();
  started.get_future().wait();
  check::isTrue(!aborting.interrupt->disarm(1ms), "the abort to be under way");
  release.set_value();
  check::isTrue(aborting.interrupt->disarm(patience), "the abort to have come back");
  aborting.drain();
}
