#include "device/connections.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <system_error>
#include <vector>

namespace standin {
namespace {

constexpr std::size_t maxBuffered = 4 * 1024 * 1024;

}  // namespace

Connections::Connections(const std::string& path) : path_(path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::system_error(ENAMETOOLONG, std::generic_category(), "socket " + path);
  std::strcpy(address.sun_path, path.c_str());
  ::unlink(path.c_str());
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 64) != 0)
    throw std::system_error(errno, std::generic_category(), "socket " + path);
}

Connections::~Connections() {
  for (const auto& [id, connection] : all_) ::close(connection.fd);
  ::close(listener_);
  ::unlink(path_.c_str());
}

Ms Connections::now() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

void Connections::after(Ms delay, std::function<void()> work) {
  timers_.emplace(now() + delay, std::move(work));
}

int Connections::untilTimer() const {
  if (timers_.empty()) return -1;
  return static_cast<int>(std::clamp(std::ceil(timers_.begin()->first - now()), 0.0, 60000.0));
}

void Connections::run(Handlers handlers) {
  handlers_ = std::move(handlers);
  while (running_) {
    std::vector<pollfd> polled = {{listener_, POLLIN, 0}};
    std::vector<ConnectionId> ids = {0};
    for (const auto& [id, connection] : all_) {
      polled.push_back({connection.fd, static_cast<short>(connection.outgoing.empty() ? POLLIN : POLLIN | POLLOUT), 0});
      ids.push_back(id);
    }
    ::poll(polled.data(), polled.size(), untilTimer());
    runTimers();
    if (polled[0].revents != 0) accept();
    for (std::size_t i = 1; i < polled.size(); i++) {
      const auto found = all_.find(ids[i]);
      if (found == all_.end() || polled[i].revents == 0) continue;
      if (polled[i].revents & POLLOUT) flush(found->second);
      if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) read(ids[i], found->second);
    }
    reap();
  }
}

void Connections::accept() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) all_[++lastId_] = {fd, {}, {}};
}

void Connections::read(ConnectionId id, Connection& connection) {
  char chunk[16384];
  const auto count = ::recv(connection.fd, chunk, sizeof chunk, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    connection.closing = true;
    return;
  }
  connection.incoming.append(chunk, static_cast<std::size_t>(count));
  std::size_t start = 0;
  for (std::size_t end; (end = connection.incoming.find('\n', start)) != std::string::npos; start = end + 1) {
    const auto message = Json::parse(std::string_view(connection.incoming).substr(start, end - start));
    if (message) handlers_.received(id, *message);
    if (connection.closing) return;
  }
  connection.incoming.erase(0, start);
  if (connection.incoming.size() > maxBuffered) connection.closing = true;
}

void Connections::flush(Connection& connection) {
  const auto count = ::send(connection.fd, connection.outgoing.data(), connection.outgoing.size(), MSG_NOSIGNAL);
  if (count > 0) connection.outgoing.erase(0, static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN && errno != EINTR) connection.closing = true;
}

void Connections::send(ConnectionId to, const Json& message) {
  const auto found = all_.find(to);
  if (found == all_.end() || found->second.closing) return;
  found->second.outgoing += message.text() + "\n";
  flush(found->second);
  if (found->second.outgoing.size() > maxBuffered) found->second.closing = true;
}

void Connections::close(ConnectionId connection) {
  const auto found = all_.find(connection);
  if (found != all_.end()) found->second.closing = true;
}

void Connections::runTimers() {
  while (!timers_.empty() && timers_.begin()->first <= now()) {
    const auto work = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    work();
  }
}

void Connections::reap() {
  std::vector<ConnectionId> gone;
  for (const auto& [id, connection] : all_) {
    if (connection.closing) gone.push_back(id);
  }
  for (const auto id : gone) {
    ::close(all_.at(id).fd);
    all_.erase(id);
    handlers_.closed(id);
  }
}

}  // namespace standin
