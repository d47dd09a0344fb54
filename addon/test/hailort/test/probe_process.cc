#include "probe_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

#include "device_process.h"

ProbeProcess::ProbeProcess(const std::string& mode, const std::string& argument) {
  std::array<int, 2> out{};
  std::array<int, 2> in{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(in.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("Expected pipes");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::array<std::string, 3> words = {STANDIN_PROBE, mode, argument};
  std::array<char*, 4> pointers = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  const int failed = ::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(in[0]);
  output_ = out[0];
  input_ = in[1];
  if (failed != 0) throw std::runtime_error("Expected to start " + words[0]);
}

ProbeProcess::~ProbeProcess() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(output_);
  ::close(input_);
}

std::string ProbeProcess::line() {
  std::string text;
  pollfd polled{output_, POLLIN, 0};
  while (::poll(&polled, 1, 30000) == 1) {
    char next = 0;
    if (::read(output_, &next, 1) != 1 || next == '\n') return text;
    text += next;
  }
  return "";
}

void ProbeProcess::signal(int number) {
  ::kill(pid_, number);
}

int ProbeProcess::ended(double seconds) {
  eventually(
      [this] {
        int status = 0;
        if (!reaped_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
          reaped_ = true;
          result_ = WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
        }
        return reaped_;
      },
      seconds);
  return result_;
}
