#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "device/server.h"

namespace {

constexpr const char* usage =
    "hailort-standin-device [--socket PATH] [--speed N] [--token-speed N] [--switch-ms N] [--memory-mib N]\n"
    "                       [--system-mib N] [--exclusive-wait-ms N] [--driver VERSION] [--script FILE] "
    "[--die-with-parent]\n";

struct Arguments {
  standin::Settings settings;
  std::string script;
};

double number(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || value <= 0)
    throw std::runtime_error("Expected a number above 0 for " + option + ", received \"" + text + "\"");
  return value;
}

void set(Arguments& given, const std::string& option, const std::string& value) {
  auto& settings = given.settings;
  if (option == "--socket") {
    settings.socket = value;
  } else if (option == "--driver") {
    settings.driver = value;
  } else if (option == "--script") {
    given.script = value;
  } else if (option == "--speed") {
    settings.speed = number(option, value);
  } else if (option == "--token-speed") {
    settings.tokenSpeed = number(option, value);
  } else if (option == "--switch-ms") {
    settings.switchCost = number(option, value);
  } else if (option == "--memory-mib") {
    settings.memoryKib = static_cast<std::uint64_t>(number(option, value) * 1024);
  } else if (option == "--system-mib") {
    settings.systemKib = static_cast<std::uint64_t>(number(option, value) * 1024);
  } else if (option == "--exclusive-wait-ms") {
    settings.exclusiveWait = number(option, value);
  } else {
    throw std::runtime_error("Expected one of the options below, received " + option);
  }
}

Arguments readArguments(int count, char** arguments) {
  Arguments given;
  if (const char* socket = std::getenv("HAILORT_STANDIN_SOCKET")) given.settings.socket = socket;
  for (int i = 1; i < count; i++) {
    const std::string option = arguments[i];
    if (option == "--die-with-parent") {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      continue;
    }
    if (i + 1 == count) throw std::runtime_error("Expected a value after " + option);
    set(given, option, arguments[++i]);
  }
  if (given.settings.socket.empty())
    throw std::runtime_error("Expected --socket or HAILORT_STANDIN_SOCKET to say where to listen");
  return given;
}

standin::Server* running = nullptr;

}  // namespace

/** The device: listens until it gets SIGTERM or SIGINT. Says "ready" on standard output once it does. */
int main(int count, char** arguments) {
  try {
    const Arguments given = readArguments(count, arguments);
    standin::Server server(given.settings);
    if (!given.script.empty()) server.readScript(given.script);
    running = &server;
    for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { running->stop(); });
    std::printf("ready\n");
    std::fflush(stdout);
    server.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hailort-standin-device: %s\n%s", error.what(), usage);
    return 2;
  }
}
