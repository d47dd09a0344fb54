#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace hailstream {

/**
 * The image pool's memory in this process: `slots` × `slotBytes` bytes of a sealed memfd. Whoever works on a slot holds
 * the shared_ptr, so that the mapping outlives `close`.
 */
class ImagePool {
 public:
  /** Makes the memfd, sealed against shrinking and growing, and maps it. `slotBytes` is rounded up to whole pages. */
  static std::shared_ptr<ImagePool> create(std::size_t slots, std::size_t slotBytes);
  /** Maps an inherited memfd and closes the descriptor. Throws `invalid`, leaving it open, when it is no such pool. */
  static std::shared_ptr<ImagePool> open(int fd, std::size_t slots, std::size_t slotBytes);

  ~ImagePool();
  ImagePool(const ImagePool&) = delete;
  ImagePool& operator=(const ImagePool&) = delete;

  std::size_t slots() const { return slots_; }
  std::size_t slotBytes() const { return slotBytes_; }
  /** The memfd; -1 where it was inherited and has been closed. */
  int fd() const { return fd_; }
  /** The slot's bytes. Throws `invalid` when there is no such slot. */
  std::span<std::uint8_t> slot(std::size_t index) const;

 private:
  ImagePool(int fd, std::uint8_t* memory, std::size_t slots, std::size_t slotBytes)
      : fd_(fd), memory_(memory), slots_(slots), slotBytes_(slotBytes) {}
  static std::shared_ptr<ImagePool> map(int fd, std::size_t slots, std::size_t slotBytes);

  int fd_;
  std::uint8_t* memory_;
  std::size_t slots_;
  std::size_t slotBytes_;
};

}  // namespace hailstream
