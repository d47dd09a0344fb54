#include "client/environment.h"

#include <cstdio>
#include <cstdlib>

#include "hailo/hailort.h"

namespace standin {

std::string socketPath() {
  const char* path = std::getenv("HAILORT_STANDIN_SOCKET");
  return path == nullptr ? "" : path;
}

std::string libraryVersion() {
  const char* version = std::getenv("HAILORT_STANDIN_LIBRARY_VERSION");
  return version == nullptr ? "5.2.0" : version;
}

void logCritical(const std::string& message) {
  std::fprintf(stderr, "[HailoRT stand-in] [critical] %s\n", message.c_str());
}

}  // namespace standin

hailo_status hailo_get_library_version(hailo_version_t* version) {
  if (version == nullptr) return HAILO_INVALID_ARGUMENT;
  const auto text = standin::libraryVersion();
  const int read = std::sscanf(text.c_str(), "%u.%u.%u", &version->major, &version->minor, &version->revision);
  return read == 3 ? HAILO_SUCCESS : HAILO_INVALID_ARGUMENT;
}
