#include "device/server.h"

#include <utility>

namespace standin {

Server::Server(const Settings& settings)
    : state_(settings),
      connections_(settings.socket),
      outbox_(connections_, state_),
      openings_(connections_, state_, outbox_),
      models_(connections_, state_, outbox_),
      generation_(connections_, state_, outbox_, models_, openings_),
      health_(connections_, state_, outbox_),
      control_(connections_, state_, health_, {[this] { disconnect(); }, [this] { resume(); }}) {}

void Server::run() {
  connections_.run({[this](ConnectionId from, const Json& message) { received(from, message); },
                    [this](ConnectionId connection) { closed(connection); }});
}

void Server::received(ConnectionId from, const Json& message) {
  if (message.has("control")) return connections_.send(from, control_.carryOut(message));
  if (state_.faults.hung) {
    unread_.emplace_back(from, message);
  } else {
    carryOut(from, message);
  }
}

void Server::hello(ConnectionId from, const Json& message) {
  constexpr int invalidDriverVersion = 76;
  state_.clients[from] = {message["pid"].integer(), message["library"].string(), {}};
  outbox_.reply(from, message, state_.settings.driver == message["library"].string() ? 0 : invalidDriverVersion);
}

void Server::carryOut(ConnectionId from, const Json& message) {
  const auto what = message["do"].string();
  if (what == "hello") return hello(from, message);
  if (!state_.clients.contains(from)) return connections_.close(from);
  if (what == "run") return models_.run(from, message);
  if (what == "open") return openings_.open(from, message);
  if (what == "close") return release(from, message);
  if (what == "create") return models_.create(from, message);
  if (what == "configure") return models_.configure(from, message);
  if (what == "destroy-model") return models_.destroyModel(from, message);
  if (what == "destroy-configured") return models_.destroyConfigured(from, message);
  if (what == "schedule") return models_.schedule(from, message);
  if (what == "shut-down") return models_.shutDown(from, message);
  if (what == "ask") return health_.tell(from, message);
  if (generation_.carryOut(from, message)) return;
  constexpr int notImplemented = 7;
  outbox_.reply(from, message, notImplemented);
}

void Server::release(ConnectionId from, const Json& message) {
  models_.forget(from);
  state_.clients.at(from).group.reset();
  outbox_.reply(from, message, 0);
  openings_.retry();
}

void Server::closed(ConnectionId connection) {
  openings_.forget(connection);
  models_.forget(connection);
  generation_.forget(connection);
  state_.clients.erase(connection);
  openings_.retry();
}

void Server::resume() {
  outbox_.release();
  for (const auto& [from, message] : std::exchange(unread_, {})) carryOut(from, message);
}

void Server::disconnect() {
  for (const auto& [id, client] : state_.clients) connections_.close(id);
}

}  // namespace standin
