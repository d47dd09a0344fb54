#include "device/core.h"

#include <algorithm>
#include <utility>

namespace standin {
namespace {

constexpr std::uint32_t automaticBurst = 8;

}  // namespace

bool Core::Model::ready(Ms now) const {
  if (waiting.empty()) return false;
  return waiting.size() >= threshold || (timeout > 0 && now - waiting.front().arrivedAt >= timeout);
}

int Core::add(const Network& network, std::uint32_t burst) {
  const Ms first = 1000 / network.fps1;
  const Ms following = std::max((8000 / network.fps8 - first) / 7, first / 20);
  models_[++lastId_] = {
      .first = first, .following = std::min(first, following), .burst = burst == 0 ? automaticBurst : burst};
  return lastId_;
}

int Core::add(Ms duration) {
  models_[++lastId_] = {.first = duration, .following = duration, .burst = 1};
  return lastId_;
}

void Core::remove(int model) {
  models_.erase(model);
}

void Core::setPriority(int model, int priority) {
  if (models_.contains(model)) models_[model].priority = priority;
}

void Core::setThreshold(int model, std::uint32_t frames) {
  if (models_.contains(model)) models_[model].threshold = std::max(1u, frames);
}

void Core::setTimeout(int model, Ms timeout) {
  if (models_.contains(model)) models_[model].timeout = timeout;
}

void Core::push(int model, Frame frame, Ms now) {
  frame.arrivedAt = now;
  models_.at(model).waiting.push_back(frame);
}

std::deque<Frame> Core::drop(int model) {
  const auto found = models_.find(model);
  return found == models_.end() ? std::deque<Frame>() : std::exchange(found->second.waiting, {});
}

std::optional<int> Core::choose(Ms now) const {
  int best = -1;
  for (const auto& [id, model] : models_) {
    if (model.ready(now)) best = std::max(best, model.priority);
  }
  const auto current = models_.find(current_);
  const bool keeps = current != models_.end() && current->second.priority == best && !current->second.waiting.empty() &&
                     inBurst_ < current->second.burst;
  if (keeps) return current_;
  std::optional<int> first;
  for (const auto& [id, model] : models_) {
    if (!model.ready(now) || model.priority != best) continue;
    if (!first) first = id;
    if (id > current_) return id;
  }
  return first;
}

std::optional<CoreRun> Core::next(Ms now) {
  const auto id = choose(now);
  if (!id) return std::nullopt;
  Model& model = models_.at(*id);
  const bool switched = *id != current_;
  const bool follows = !switched && inBurst_ > 0 && inBurst_ < model.burst;
  const Ms duration = ((follows ? model.following : model.first) + (switched ? switchCost_ : 0)) * slowdown_;
  inBurst_ = follows ? inBurst_ + 1 : 1;
  current_ = *id;
  const Frame frame = model.waiting.front();
  model.waiting.pop_front();
  // A burst ends when its model runs dry: what comes later starts a new one.
  if (model.waiting.empty()) inBurst_ = 0;
  return CoreRun{*id, frame, duration, switched};
}

std::optional<Ms> Core::nextReadyAt() const {
  std::optional<Ms> earliest;
  for (const auto& [id, model] : models_) {
    if (model.waiting.empty() || model.timeout <= 0) continue;
    const Ms at = model.waiting.front().arrivedAt + model.timeout;
    earliest = earliest ? std::min(*earliest, at) : at;
  }
  return earliest;
}

}  // namespace standin
