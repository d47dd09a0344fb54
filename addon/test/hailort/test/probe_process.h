#pragma once

#include <string>

/** A run of probe.cc; killed with this. */
class ProbeProcess {
 public:
  ProbeProcess(const std::string& mode, const std::string& argument);
  ~ProbeProcess();
  ProbeProcess(const ProbeProcess&) = delete;
  ProbeProcess& operator=(const ProbeProcess&) = delete;

  /** The next line that it prints; empty when it ended or said nothing for 30 s. */
  std::string line();
  void signal(int number);
  /** The signal that ended it, or minus its exit status; 0 while it runs. Waits up to `seconds` for its end. */
  int ended(double seconds);

 private:
  int pid_ = 0;
  int output_ = -1;
  int input_ = -1;
  int result_ = 0;
  bool reaped_ = false;
};
