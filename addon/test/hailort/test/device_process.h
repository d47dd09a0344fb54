#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"
#include "hefs.h"

/** A device for a test: a child process, ended with this. Its socket is in the environment while it lives. */
class DeviceProcess {
 public:
  explicit DeviceProcess(const std::vector<std::string>& options = {});
  ~DeviceProcess();
  DeviceProcess(const DeviceProcess&) = delete;
  DeviceProcess& operator=(const DeviceProcess&) = delete;

  /** Sends a command of README.md; the answer, which must be there within 10 s. */
  standin::Json control(const std::string& command) const;
  standin::Json state() const { return control(R"({"control":"state"})"); }
  /** A signal such as SIGKILL; SIGKILL waits until the process is gone. */
  void signal(int number);
  int pid() const { return pid_; }

 private:
  std::string socket_;
  int pid_ = 0;
};

/** Sets a variable of the environment while it lives. */
class Variable {
 public:
  Variable(std::string name, const std::string& value);
  ~Variable();
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
};

/** True once `condition` holds, false after `seconds`. */
template <typename Condition>
bool eventually(Condition condition, double seconds = 20) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}
