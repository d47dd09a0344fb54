#pragma once

#include <functional>
#include <string>

#include "device/health.h"

namespace standin {

/** Commands of tests: faults, temperature, figures. See README.md for all of them. */
class Control {
 public:
  struct Actions {
    /** Ends every connection of clients; the device stays. */
    std::function<void()> disconnect;
    std::function<void()> resume;
  };

  Control(Connections& connections, State& state, Health& health, Actions actions)
      : connections_(connections), state_(state), health_(health), actions_(std::move(actions)) {}

  /** The answer to `command`: `{"ok":true}` and what it asks for, or `{"ok":false,"error":…}`. */
  Json carryOut(const Json& command);
  /** Reads commands of a file, one per line; `atMs` of each says when, counted from now. Throws on a wrong one. */
  void readScript(const std::string& path);

 private:
  Json report() const;
  bool setFault(const std::string& name, const Json& command);
  bool setHealth(const std::string& name, const Json& command);

  Connections& connections_;
  State& state_;
  Health& health_;
  Actions actions_;
};

}  // namespace standin
