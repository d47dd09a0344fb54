#include "device_process.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "core/line_socket.h"

namespace {

constexpr const char* socketVariable = "HAILORT_STANDIN_SOCKET";

int start(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, arguments[0].c_str(), nullptr, nullptr, pointers.data(), environ) != 0)
    throw std::runtime_error("Expected to start " + arguments[0]);
  return pid;
}

}  // namespace

DeviceProcess::DeviceProcess(const std::vector<std::string>& options) {
  static int count = 0;
  socket_ = testFolder() + "/device-" + std::to_string(++count);
  std::vector<std::string> arguments = {STANDIN_DEVICE, "--socket", socket_,         "--die-with-parent",
                                        "--speed",      "1000",     "--token-speed", "20"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  pid_ = start(arguments);
  const bool listens = eventually([this] {
    standin::LineSocket probe;
    return probe.connect(socket_) == 0;
  });
  if (!listens) throw std::runtime_error("Expected the device to listen at " + socket_);
  ::setenv(socketVariable, socket_.c_str(), 1);
}

DeviceProcess::~DeviceProcess() {
  ::unsetenv(socketVariable);
  signal(SIGKILL);
}

void DeviceProcess::signal(int number) {
  if (pid_ == 0) return;
  ::kill(pid_, number);
  if (number != SIGKILL) return;
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

standin::Json DeviceProcess::control(const std::string& command) const {
  standin::LineSocket socket;
  const auto parsed = standin::Json::parse(command);
  if (!parsed) throw std::runtime_error("Expected JSON, received " + command);
  if (socket.connect(socket_) != 0) throw std::runtime_error("Expected the device to listen at " + socket_);
  socket.send(*parsed);
  const auto answer = socket.receive();
  if (!answer || !(*answer)["ok"].boolean())
    throw std::runtime_error("Expected the device to carry out " + command + ", received " +
                             (answer ? answer->text() : "nothing"));
  return *answer;
}

Variable::Variable(std::string name, const std::string& value) : name_(std::move(name)) {
  ::setenv(name_.c_str(), value.c_str(), 1);
}

Variable::~Variable() {
  ::unsetenv(name_.c_str());
}
