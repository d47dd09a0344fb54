#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/json.h"
#include "device/core.h"

namespace standin {

using ConnectionId = std::uint64_t;

/** The device's sockets and clock: one thread, one loop. */
class Connections {
 public:
  struct Handlers {
    std::function<void(ConnectionId, const Json&)> received;
    std::function<void(ConnectionId)> closed;
  };

  /** Listens at `path`; throws std::system_error when it cannot. */
  explicit Connections(const std::string& path);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /** Runs until `stop`. */
  void run(Handlers handlers);
  /** A signal handler may call it. */
  void stop() { running_ = false; }

  /** Nothing happens when the connection is gone; one that reads nothing for 4 MiB is closed. */
  void send(ConnectionId to, const Json& message);
  void close(ConnectionId connection);
  Ms now() const;
  /** Calls `work` once, `delay` from now. */
  void after(Ms delay, std::function<void()> work);

 private:
  struct Connection {
    int fd;
    std::string incoming;
    std::string outgoing;
    bool closing = false;
  };

  void accept();
  void read(ConnectionId id, Connection& connection);
  void flush(Connection& connection);
  void runTimers();
  void reap();
  int untilTimer() const;

  int listener_ = -1;
  std::string path_;
  std::atomic<bool> running_ = true;
  ConnectionId lastId_ = 0;
  std::map<ConnectionId, Connection> all_;
  std::multimap<Ms, std::function<void()>> timers_;
  Handlers handlers_;
};

}  // namespace standin
