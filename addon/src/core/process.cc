#include "core/process.h"

#include <malloc.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/error.h"

namespace hailstream {
namespace {

/** The address of a path or, with a leading @, of an abstract socket; gives its length. */
socklen_t fillAddress(const std::string& name, sockaddr_un& address) {
  if (name.size() < 2 || name.size() >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
    throw Error(ErrorCode::invalid, "Expected NOTIFY_SOCKET to be a path or @name of 2 to 107 bytes, received " + name);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

/** Stays open, so that a watchdog hears of a process that has no descriptor left. JavaScript's thread only. */
int notifySocket() {
  static int fd = -1;
  if (fd < 0) fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd;
}

}  // namespace

void dieWithParent(int parentPid) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    throw Error(ErrorCode::unavailable, std::string("Expected prctl to work, received: ") + std::strerror(errno));
  // The parent may have died before prctl; then this process has been given another one.
  if (getppid() != parentPid)
    throw Error(ErrorCode::closed, "Expected the parent to be process " + std::to_string(parentPid) + ", received " +
                                       std::to_string(getppid()) + ": it has exited");
}

bool notifySystemd(const std::string& state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || *name == '\0') return false;
  sockaddr_un address{};
  const socklen_t length = fillAddress(name, address);
  const int fd = notifySocket();
  if (fd < 0 ||
      sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length) < 0)
    throw Error(ErrorCode::unavailable, std::string("Expected NOTIFY_SOCKET ") + name +
                                            " to take a message, received: " + std::strerror(errno));
  return true;
}

bool lockFile(int fd) {
  int status;
  do status = flock(fd, LOCK_EX | LOCK_NB);
  while (status != 0 && errno == EINTR);
  if (status == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw Error(ErrorCode::unavailable,
              std::string("Expected the file to take a lock, received: ") + std::strerror(errno));
}

namespace {

/** Of a socket that listens on TCP, else -1. */
int listeningPort(int fd) {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) return -1;
  sockaddr_storage address{};
  length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -1;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return -1;
}

}  // namespace

bool limitReceiveBuffers(int port, int bytes) {
  bool found = false;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failure)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (listeningPort(fd) != port) continue;
    found = true;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0)
      throw Error(ErrorCode::unavailable,
                  std::string("Expected the socket to take a receive buffer, received: ") + std::strerror(errno));
  }
  if (failure) throw Error(ErrorCode::unavailable, "Expected to read /proc/self/fd, received: " + failure.message());
  return found;
}

bool trimMemory() {
  return malloc_trim(0) != 0;
}

void mapBlocksFrom(int bytes) {
  mallopt(M_MMAP_THRESHOLD, bytes);
  // malloc_trim leaves the top of each thread's heap; that goes back by itself when it is longer than this.
  mallopt(M_TRIM_THRESHOLD, bytes);
}

}  // namespace hailstream
