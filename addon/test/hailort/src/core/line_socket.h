#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "core/json.h"

namespace standin {

/** The client's end of a connection to the device: JSON values, one per line. */
class LineSocket {
 public:
  LineSocket() = default;
  explicit LineSocket(int fd) : fd_(fd) {}
  ~LineSocket();
  LineSocket(LineSocket&& other) noexcept;
  LineSocket& operator=(LineSocket&&) = delete;

  /** `errno` of a connection that failed, or 0. */
  int connect(const std::string& path);
  /** Any thread. False when the other side is gone. */
  bool send(const Json& message);
  /** One thread at a time. Waits without end; nothing when the other side is gone. */
  std::optional<Json> receive();
  /** Ends a `receive` that waits. Any thread. */
  void shutDown();

 private:
  std::optional<std::string> takeLine();

  int fd_ = -1;
  std::mutex sending_;
  std::string buffered_;
};

}  // namespace standin
