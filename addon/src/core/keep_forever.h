#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace hailstream {

/**
 * Never destroys the object: for what a hung or lost driver may still use, or whose destructor would hang. It stays
 * reachable, so that leak checkers know that it is meant. The process is to be replaced soon.
 */
template <typename Object>
void keepForever(std::unique_ptr<Object> object) {
  static std::mutex lock;
  static auto* const kept = new std::vector<Object*>();
  const std::lock_guard guard(lock);
  kept->push_back(object.release());
}

}  // namespace hailstream
