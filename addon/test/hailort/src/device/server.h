#pragma once

#include "device/control.h"
#include "device/generation.h"
#include "device/models.h"
#include "device/openings.h"

namespace standin {

/** The device with the server process that runs on it. One thread; all its parts share one state. */
class Server {
 public:
  explicit Server(const Settings& settings);

  /** Runs until it is killed or told to die. */
  void run();
  void readScript(const std::string& path) { control_.readScript(path); }
  void stop() { connections_.stop(); }

 private:
  void received(ConnectionId from, const Json& message);
  void carryOut(ConnectionId from, const Json& message);
  void release(ConnectionId from, const Json& message);
  void closed(ConnectionId connection);
  void resume();
  void disconnect();
  void hello(ConnectionId from, const Json& message);

  State state_;
  Connections connections_;
  Outbox outbox_;
  Openings openings_;
  Models models_;
  Generation generation_;
  Health health_;
  Control control_;
  std::vector<std::pair<ConnectionId, Json>> unread_;
};

}  // namespace standin
