#include "core/image_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "core/error.h"

using namespace hailstream;

namespace {

const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

}  // namespace

TEST("rounds a slot up to whole pages") {
  check::equals(ImagePool::create(3, 1)->slotBytes(), page);
  check::equals(ImagePool::create(3, page)->slotBytes(), page);
  check::equals(ImagePool::create(3, page + 1)->slotBytes(), 2 * page);
}

TEST("seals the memory against shrinking, growing and further seals, and closes it on exec") {
  const auto pool = ImagePool::create(2, page);
  check::isTrue(ftruncate(pool->fd(), 0) != 0, "no shrinking");
  check::isTrue(ftruncate(pool->fd(), static_cast<off_t>(8 * page)) != 0, "no growing");
  check::isTrue(fcntl(pool->fd(), F_ADD_SEALS, F_SEAL_WRITE) != 0, "no further seals");
  check::isTrue((fcntl(pool->fd(), F_GETFD) & FD_CLOEXEC) != 0, "close on exec");
}

TEST("opens an inherited pool, shares its bytes and closes the descriptor") {
  const auto pool = ImagePool::create(4, 2 * page);
  const int inherited = dup(pool->fd());
  const auto opened = ImagePool::open(inherited, 4, 2 * page);
  check::isTrue(fcntl(inherited, F_GETFD) == -1, "the descriptor is closed");
  check::equals(opened->fd(), -1);
  pool->slot(3).back() = 42;
  check::equals(int(opened->slot(3).back()), 42);
}

TEST("keeps slots apart") {
  const auto pool = ImagePool::create(3, page);
  std::memset(pool->slot(1).data(), 7, pool->slotBytes());
  check::equals(int(pool->slot(0).back()), 0);
  check::equals(int(pool->slot(2).front()), 0);
}

TEST("refuses a slot that is not there") {
  const auto error = check::throws<Error>([] { ImagePool::create(2, 1)->slot(2); });
  check::isTrue(error.code() == ErrorCode::invalid, "invalid");
}

TEST("refuses a descriptor that is not sealed, or of another size, and leaves it open") {
  const int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  check::isTrue(ftruncate(plain, static_cast<off_t>(page)) == 0, "ftruncate");
  check::throws<Error>([&] { ImagePool::open(plain, 1, page); });
  check::isTrue(close(plain) == 0, "still open");
  const auto pool = ImagePool::create(2, page);
  check::throws<Error>([&] { ImagePool::open(pool->fd(), 3, page); });
  check::isTrue(fcntl(pool->fd(), F_GETFD) != -1, "still open");
}

TEST("refuses sizes that are empty or overflow") {
  for (const auto& [slots, bytes] : {std::pair<std::size_t, std::size_t>{0, 1}, {1, 0}, {SIZE_MAX, 2}, {2, SIZE_MAX}})
    check::throws<Error>([&] { ImagePool::create(slots, bytes); });
}
