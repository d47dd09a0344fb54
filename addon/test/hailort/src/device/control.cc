#include "device/control.h"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace standin {

Json Control::report() const {
  const Counters& counted = state_.counters;
  Json::Array clients;
  for (const auto& [id, client] : state_.clients)
    clients.push_back(Json::Object{{"pid", client.pid}, {"group", client.group.value_or("")}});
  return Json::Object{{"ok", true},
                      {"jobs", counted.jobs},
                      {"failedJobs", counted.failedJobs},
                      {"bounced", counted.bounced},
                      {"transientMaps", counted.transientMaps},
                      {"switches", counted.switches},
                      {"loads", counted.loads},
                      {"tokens", counted.tokens},
                      {"transcriptions", counted.transcriptions},
                      {"hefBytes", counted.hefBytes},
                      {"notifications", counted.notifications},
                      {"coreBusyMs", counted.coreBusy},
                      {"memoryTotalKib", state_.settings.memoryKib},
                      {"memoryUsedKib", state_.usedKib()},
                      {"models", state_.models.size()},
                      {"configured", state_.configured.size()},
                      {"sessions", state_.generativeKib.size()},
                      {"throttling", state_.throttling},
                      {"celsius", static_cast<double>(state_.celsius)},
                      {"clients", clients}};
}

bool Control::setFault(const std::string& name, const Json& command) {
  Faults& faults = state_.faults;
  const int after = static_cast<int>(command["after"].integer());
  if (name == "fail-load") {
    faults.failLoadAfter = after;
    faults.failLoadStatus = static_cast<int>(command["status"].integer(81));
  } else if (name == "fail-job") {
    faults.failJobAfter = after;
    faults.failJobStatus = static_cast<int>(command["status"].integer(8));
  } else if (name == "lose-reply") {
    faults.loseReplies += static_cast<int>(command["count"].integer(1));
  } else if (name == "delay-replies") {
    faults.replyDelay = command["ms"].number();
  } else if (name == "cut-tokens") {
    faults.cutTokensAfter = after;
  } else if (name == "hang-tokens") {
    faults.hangTokensAfter = after;
  } else if (name == "hang") {
    faults.hung = true;
  } else if (name == "resume") {
    faults.hung = false;
    actions_.resume();
  } else if (name == "disconnect") {
    actions_.disconnect();
  } else if (name == "driver") {
    state_.settings.driver = command["version"].string();
  } else if (name == "memory") {
    state_.settings.memoryKib = static_cast<std::uint64_t>(command["kib"].integer());
  } else {
    return false;
  }
  return true;
}

bool Control::setHealth(const std::string& name, const Json& command) {
  if (name == "temperature") {
    health_.setCelsius(static_cast<float>(command["celsius"].number()));
  } else if (name == "throttle") {
    health_.setThrottling(static_cast<int>(command["state"].integer()));
  } else if (name == "notify") {
    health_.notify(static_cast<int>(command["number"].integer()), Json::Object{});
  } else if (name == "fail-run") {
    // The library itself must refuse the next run: it learns so by this event.
    for (const auto& [id, model] : state_.configured) {
      const auto network = state_.models.find(model.model);
      const bool meant = !command.has("network") || (network != state_.models.end() &&
                                                     network->second.network->name == command["network"].string());
      if (!meant) continue;
      connections_.send(
          model.owner, Json::Object{{"event", "fail-run"}, {"configured", id}, {"code", command["status"].integer(8)}});
    }
  } else {
    return false;
  }
  return true;
}

Json Control::carryOut(const Json& command) {
  const auto name = command["control"].string();
  if (name == "state") return report();
  if (name == "die") ::_exit(137);
  if (setFault(name, command) || setHealth(name, command)) return Json::Object{{"ok", true}};
  return Json::Object{{"ok", false}, {"error", "Expected a command of README.md, received \"" + name + "\""}};
}

void Control::readScript(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("Expected a script at " + path + ". Check the path");
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const auto command = Json::parse(line);
    if (!command || !command->has("control"))
      throw std::runtime_error("Expected lines such as {\"atMs\":500,\"control\":\"hang\"}, received " + line);
    connections_.after((*command)["atMs"].number(), [this, command] { carryOut(*command); });
  }
}

}  // namespace standin
