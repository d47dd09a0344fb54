#include "device/openings.h"

#include <algorithm>

namespace standin {
namespace {

constexpr const char* exclusiveGroup = "UNIQUE";
constexpr int deviceInUse = 73;

}  // namespace

bool Openings::conflicts(ConnectionId from, const std::string& group, bool session) const {
  const auto pid = state_.clients.at(from).pid;
  return std::ranges::any_of(state_.clients, [&](const auto& entry) {
    const auto& [id, other] = entry;
    if (id == from || !other.group) return false;
    const bool otherIsSession = state_.generativeKib.contains(id);
    if (other.pid == pid && (session || otherIsSession)) return false;
    return group == exclusiveGroup || *other.group != group;
  });
}

bool Openings::tryOpen(ConnectionId from, const Json& request) {
  const auto group = request["group"].string(exclusiveGroup);
  if (conflicts(from, group, false)) return false;
  state_.clients.at(from).group = group;
  outbox_.reply(from, request, 0);
  return true;
}

void Openings::open(ConnectionId from, const Json& request) {
  if (tryOpen(from, request)) return;
  waiting_.push_back({from, request});
  connections_.after(state_.settings.exclusiveWait, [this, from] { giveUp(from); });
}

void Openings::giveUp(ConnectionId from) {
  const auto found = std::ranges::find(waiting_, from, &Waiting::from);
  if (found == waiting_.end()) return;
  outbox_.reply(from, found->request, deviceInUse);
  waiting_.erase(found);
}

void Openings::retry() {
  std::erase_if(waiting_, [this](const Waiting& waiting) { return tryOpen(waiting.from, waiting.request); });
}

void Openings::forget(ConnectionId connection) {
  std::erase_if(waiting_, [connection](const Waiting& waiting) { return waiting.from == connection; });
}

}  // namespace standin
