#include "device/state.h"

namespace standin {
namespace {

constexpr int outOfMemory = 81;

}  // namespace

std::uint64_t State::usedKib() const {
  std::uint64_t used = settings.systemKib;
  for (const auto& [id, model] : models) used += model.memoryKib;
  for (const auto& [id, model] : configured) used += model.memoryKib;
  for (const auto& [id, kib] : generativeKib) used += kib;
  return used;
}

int State::admit(std::uint64_t kib) {
  counters.loads++;
  if (faults.failLoadAfter && (*faults.failLoadAfter)-- == 0) {
    faults.failLoadAfter.reset();
    return faults.failLoadStatus;
  }
  return usedKib() + kib > settings.memoryKib ? outOfMemory : 0;
}

}  // namespace standin
