#pragma once

#include <vector>

#include "device/state.h"

namespace standin {

/** All that leaves the device passes here, so that answers can be late, lost, or held back by a hang. */
class Outbox {
 public:
  Outbox(Connections& connections, State& state) : connections_(connections), state_(state) {}

  /** Answers the control call `request` of `to`; `fields` is an object or null. */
  void reply(ConnectionId to, const Json& request, int status, Json fields = {});
  /** What answers no call: a job's end, a notification. */
  void event(ConnectionId to, const Json& message);
  /** Sends what a hang held back. */
  void release();

 private:
  void send(ConnectionId to, const Json& message);

  Connections& connections_;
  State& state_;
  std::vector<std::pair<ConnectionId, Json>> held_;
};

}  // namespace standin
