#pragma once

#include <vector>

#include "device/outbox.h"

namespace standin {

/**
 * Who has the device. A group named UNIQUE, or one of another name, waits until nobody else is there, then gets
 * DEVICE_IN_USE. A process's own generative sessions never stand in its way.
 */
class Openings {
 public:
  Openings(Connections& connections, State& state, Outbox& outbox)
      : connections_(connections), state_(state), outbox_(outbox) {}

  void open(ConnectionId from, const Json& request);
  /** Call it when a client went: others may wait for that. */
  void retry();
  void forget(ConnectionId connection);
  bool conflicts(ConnectionId from, const std::string& group, bool session) const;

 private:
  struct Waiting {
    ConnectionId from;
    Json request;
  };

  bool tryOpen(ConnectionId from, const Json& request);
  void giveUp(ConnectionId from);

  Connections& connections_;
  State& state_;
  Outbox& outbox_;
  std::vector<Waiting> waiting_;
};

}  // namespace standin
