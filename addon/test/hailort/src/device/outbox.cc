#include "device/outbox.h"

#include <utility>

namespace standin {

void Outbox::reply(ConnectionId to, const Json& request, int status, Json fields) {
  if (state_.faults.loseReplies > 0) {
    state_.faults.loseReplies--;
    return;
  }
  Json message = fields.isObject() ? std::move(fields) : Json(Json::Object());
  message.set("id", request["id"]);
  message.set("status", status);
  if (state_.faults.replyDelay <= 0) return send(to, message);
  connections_.after(state_.faults.replyDelay, [this, to, message] { send(to, message); });
}

void Outbox::event(ConnectionId to, const Json& message) {
  send(to, message);
}

void Outbox::send(ConnectionId to, const Json& message) {
  if (state_.faults.hung) {
    held_.emplace_back(to, message);
  } else {
    connections_.send(to, message);
  }
}

void Outbox::release() {
  for (const auto& [to, message] : std::exchange(held_, {})) connections_.send(to, message);
}

}  // namespace standin
