#include "standin.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

extern char** environ;

namespace hailstream {
namespace {

constexpr const char* socketVariable = "HAILORT_STANDIN_SOCKET";

std::string toolPath(const std::string& name) {
  return std::string(HAILSTREAM_STANDIN_DIR) + "/hailort-standin-" + name;
}

std::string makeFolder() {
  std::string folder = "/tmp/hailstream-standin-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("Expected to make a folder in /tmp");
  return folder;
}

int spawn(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int pid = 0;
  if (posix_spawn(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0)
    throw std::runtime_error("Expected to start " + words[0]);
  return pid;
}

/** What a command writes. */
std::string outputOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part;
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) text += part.data();
  pclose(pipe);
  return text;
}

/** The folder of HEFs, removed at the program's end. */
struct HefFolder {
  std::string path = makeFolder();
  ~HefFolder() { std::filesystem::remove_all(path); }
};

}  // namespace

StandinDevice::StandinDevice(const std::vector<std::string>& options) : folder_(makeFolder()) {
  const std::string socket = folder_ + "/socket";
  setenv(socketVariable, socket.c_str(), 1);
  std::vector<std::string> words = {toolPath("device"), "--socket", socket, "--die-with-parent"};
  words.insert(words.end(), options.begin(), options.end());
  pid_ = spawn(words);
  becomesTrue([&] { return !control(R"({"control":"state"})").empty(); }, "the stand-in's device to listen");
}

StandinDevice::~StandinDevice() {
  kill();
  unsetenv(socketVariable);
  std::filesystem::remove_all(folder_);
}

void StandinDevice::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string StandinDevice::control(const std::string& command) const {
  return outputOf(toolPath("control") + " '" + command + "' 2>/dev/null");
}

long StandinDevice::count(const std::string& name) const {
  const std::string state = control(R"({"control":"state"})");
  const std::string key = "\"" + name + "\":";
  const auto at = state.find(key);
  if (at == std::string::npos) throw std::runtime_error("Expected " + name + " in " + state);
  return std::strtol(state.c_str() + at + key.size(), nullptr, 10);
}

std::string hefOf(const std::string& network) {
  static const HefFolder folder;
  const std::string path = folder.path + "/" + network + ".hef";
  if (std::filesystem::exists(path)) return path;
  const std::string said = outputOf(toolPath("hef") + " '" + network + "' '" + path + "' 2>&1");
  if (!std::filesystem::exists(path)) throw std::runtime_error("Expected a HEF of " + network + ": " + said);
  return path;
}

std::shared_ptr<hailo::Device> openDevice() {
  return std::make_shared<hailo::Device>(hailo::DeviceOptions{});
}

}  // namespace hailstream
