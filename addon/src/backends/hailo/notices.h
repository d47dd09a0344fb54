#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace hailstream::hailo {

/** Something that the device told of its own accord. */
struct Notice {
  /** `temperature-alarm`, `overcurrent-alarm`, `core-crc-error` or `throttling`. */
  const char* kind;
  /** Temperature in °C; the overcurrent threshold in A; 0; the throttling state, 0 to 6. */
  float value;
};

/** What the device told and nobody has asked for yet: the newest 64. Any thread may add; adding never blocks for long.
 */
class Notices {
 public:
  void add(Notice notice) {
    const std::lock_guard guard(lock_);
    if (waiting_.size() == most) {
      waiting_.pop_front();
      dropped_++;
    }
    waiting_.push_back(notice);
  }

  struct Taken {
    std::vector<Notice> notices;
    /** Older ones that had to go since the last time. */
    std::size_t dropped;
  };

  Taken take() {
    const std::lock_guard guard(lock_);
    Taken taken{{waiting_.begin(), waiting_.end()}, std::exchange(dropped_, 0)};
    waiting_.clear();
    return taken;
  }

 private:
  static constexpr std::size_t most = 64;
  std::mutex lock_;
  std::deque<Notice> waiting_;
  std::size_t dropped_ = 0;
};

}  // namespace hailstream::hailo
