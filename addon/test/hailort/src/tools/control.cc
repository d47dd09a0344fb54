#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/line_socket.h"

/** Sends one command to the device at HAILORT_STANDIN_SOCKET and prints its answer. Exit status 1 when it refused. */
int main(int count, char** arguments) {
  const char* path = std::getenv("HAILORT_STANDIN_SOCKET");
  const auto command = count == 2 ? standin::Json::parse(arguments[1]) : std::nullopt;
  if (path == nullptr || !command || !command->has("control")) {
    std::fputs("HAILORT_STANDIN_SOCKET=PATH hailort-standin-control '{\"control\":\"state\"}'\n", stderr);
    return 2;
  }
  standin::LineSocket socket;
  if (socket.connect(path) != 0) {
    std::fprintf(stderr, "Expected a device at %s. Start hailort-standin-device\n", path);
    return 1;
  }
  socket.send(*command);
  const auto answer = socket.receive();
  if (!answer) return 1;
  std::printf("%s\n", answer->text().c_str());
  return (*answer)["ok"].boolean() ? 0 : 1;
}
