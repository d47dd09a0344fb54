#include "core/image_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"

namespace hailstream {
namespace {

constexpr int poolSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::size_t maxPoolBytes = std::size_t{1} << 40;

std::size_t wholePages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::unavailable, std::string("Expected ") + what + " to work, received: " + std::strerror(errno));
}

void checkGeometry(std::size_t slots, std::size_t slotBytes) {
  if (slots == 0 || slotBytes == 0 || slotBytes > maxPoolBytes || slots > maxPoolBytes / wholePages(slotBytes))
    throw Error(ErrorCode::invalid, "Expected a pool of 1 byte to 1 TiB, received " + std::to_string(slots) +
                                        " slots of " + std::to_string(slotBytes) + " bytes");
}

struct Descriptor {
  explicit Descriptor(int value) : fd(value) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int release() { return std::exchange(fd, -1); }
  int fd;
};

}  // namespace

std::shared_ptr<ImagePool> ImagePool::create(std::size_t slots, std::size_t slotBytes) {
  checkGeometry(slots, slotBytes);
  const std::size_t rounded = wholePages(slotBytes);
  Descriptor memory(memfd_create("hailstream-images", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory.fd < 0) fail("memfd_create");
  if (ftruncate(memory.fd, static_cast<off_t>(slots * rounded)) != 0) fail("ftruncate of the image pool");
  if (fcntl(memory.fd, F_ADD_SEALS, poolSeals) != 0) fail("sealing the image pool");
  auto pool = map(memory.fd, slots, rounded);
  pool->fd_ = memory.release();
  return pool;
}

std::shared_ptr<ImagePool> ImagePool::open(int fd, std::size_t slots, std::size_t slotBytes) {
  checkGeometry(slots, slotBytes);
  const std::size_t rounded = wholePages(slotBytes);
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & poolSeals) != poolSeals)
    throw Error(ErrorCode::invalid, "Expected descriptor " + std::to_string(fd) + " to be a sealed image pool");
  struct stat status {};
  if (fstat(fd, &status) != 0) fail("fstat of the image pool");
  if (static_cast<std::size_t>(status.st_size) != slots * rounded)
    throw Error(ErrorCode::invalid, "Expected a pool of " + std::to_string(slots * rounded) +
                                        " bytes, received one of " + std::to_string(status.st_size));
  auto pool = map(fd, slots, rounded);
  close(fd);
  return pool;
}

std::shared_ptr<ImagePool> ImagePool::map(int fd, std::size_t slots, std::size_t slotBytes) {
  void* memory = mmap(nullptr, slots * slotBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) fail("mapping the image pool");
  return std::shared_ptr<ImagePool>(new ImagePool(-1, static_cast<std::uint8_t*>(memory), slots, slotBytes));
}

ImagePool::~ImagePool() {
  munmap(memory_, slots_ * slotBytes_);
  if (fd_ >= 0) close(fd_);
}

std::span<std::uint8_t> ImagePool::slot(std::size_t index) const {
  if (index >= slots_)
    throw Error(ErrorCode::invalid,
                "Expected a slot below " + std::to_string(slots_) + ", received " + std::to_string(index));
  return {memory_ + index * slotBytes_, slotBytes_};
}

}  // namespace hailstream
