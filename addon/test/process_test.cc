#include "core/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "check.h"
#include "core/error.h"

using namespace hailstream;

namespace {

/** A datagram socket as systemd has one, at a path or, with a leading @, at an abstract name. */
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& name) : name_(name), fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    check::equals(bind(fd_, reinterpret_cast<const sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~NotifySocket() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
    if (name_[0] == '/') unlink(name_.c_str());
  }
  std::string receive() const {
    char text[200];
    const ssize_t length = recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return length < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(length));
  }

 private:
  std::string name_;
  int fd_;
};

constexpr int deadlineMs = 10000;

}  // namespace

TEST("tells systemd at a path and at an abstract name") {
  const std::string unique = std::to_string(getpid());
  for (const std::string& name : {"/tmp/hailstream-notify-" + unique, "@hailstream-notify-" + unique}) {
    const NotifySocket socket(name);
    check::isTrue(notifySystemd("READY=1\nSTATUS=up"), "told");
    check::equals(socket.receive(), std::string("READY=1\nSTATUS=up"));
  }
}

TEST("tells systemd when the process has no descriptor left") {
  const NotifySocket socket("@hailstream-notify-last-" + std::to_string(getpid()));
  notifySystemd("READY=1");
  socket.receive();
  rlimit limit{};
  check::equals(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const int refused = dup(0);
  const bool told = notifySystemd("WATCHDOG=1");
  setrlimit(RLIMIT_NOFILE, &limit);
  check::equals(refused, -1);
  check::isTrue(told, "told");
  check::equals(socket.receive(), std::string("WATCHDOG=1"));
}

TEST("tells nobody when systemd does not listen, and says when its socket is wrong") {
  check::isTrue(!notifySystemd("READY=1"), "nobody to tell");
  setenv("NOTIFY_SOCKET", "relative", 1);
  check::isTrue(check::throws<Error>([] { notifySystemd("READY=1"); }).code() == ErrorCode::invalid, "invalid");
  setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
  check::isTrue(check::throws<Error>([] { notifySystemd("READY=1"); }).code() == ErrorCode::unavailable, "unavailable");
  unsetenv("NOTIFY_SOCKET");
}

TEST("dies when its parent dies") {
  int ends[2];
  check::equals(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    const pid_t self = getpid();
    if (fork() > 0) {
      char ready;
      if (read(ends[0], &ready, 1) == 1) _exit(0);
      _exit(1);
    }
    dieWithParent(self);
    if (write(ends[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  int status = 1;
  waitpid(parent, &status, 0);
  check::equals(status, 0);
  // The grandchild holds the last writing end; that it is closed says that the grandchild is gone.
  pollfd end{ends[0], POLLIN, 0};
  check::equals(poll(&end, 1, deadlineMs), 1);
  check::isTrue((end.revents & POLLHUP) != 0, "the grandchild is gone");
  close(ends[0]);
}

TEST("says closed when the parent has died before") {
  const pid_t child = fork();
  if (child == 0) {
    try {
      dieWithParent(INT32_MAX);
    } catch (const Error& error) {
      _exit(error.code() == ErrorCode::closed ? 0 : 2);
    }
    _exit(1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  check::equals(status, 0);
}

TEST("gives the lock of a file to one at a time, and to the next when its holder is killed") {
  const std::string path = "/tmp/hailstream-lock-" + std::to_string(getpid());
  const auto openIt = [&] { return open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); };
  int ends[2];
  check::equals(pipe(ends), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const char got = lockFile(openIt()) ? 'y' : 'n';
    if (write(ends[1], &got, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char got = 0;
  check::equals(read(ends[0], &got, 1), static_cast<ssize_t>(1));
  check::equals(got, 'y');
  const int fd = openIt();
  check::isTrue(!lockFile(fd), "another has it");
  kill(holder, SIGKILL);
  int status = 0;
  waitpid(holder, &status, 0);
  check::isTrue(lockFile(fd), "its holder is gone");
  close(fd);
  close(ends[0]);
  close(ends[1]);
  unlink(path.c_str());
}

TEST("says unavailable for a descriptor that is none") {
  try {
    lockFile(-1);
    check::isTrue(false, "thrown");
  } catch (const Error& error) {
    check::isTrue(error.code() == ErrorCode::unavailable, "unavailable");
  }
}
