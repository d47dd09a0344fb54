#include "kernels/turbo.h"

#include <memory>
#include <string>

#include "core/error.h"

namespace hailstream {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

Handle own(tjhandle handle) {
  if (handle == nullptr)
    throw Error(ErrorCode::unavailable, std::string("Expected libjpeg-turbo to start, received: ") + tjGetErrorStr());
  return Handle(handle);
}

}  // namespace

tjhandle turboDecoder() {
  thread_local const Handle handle = own(tjInitDecompress());
  return handle.get();
}

tjhandle turboEncoder() {
  thread_local const Handle handle = own(tjInitCompress());
  return handle.get();
}

void checkTurbo(tjhandle handle, int result) {
  if (result == 0) return;
  const std::string message = tjGetErrorStr2(handle);
  if (tjGetErrorCode(handle) == TJERR_WARNING && message.ends_with("extraneous bytes before marker 0xd9")) return;
  throw Error(ErrorCode::invalid, "Expected a whole JPEG, received one that libjpeg-turbo finds wrong: " + message);
}

Planes planesOf(const Layout& layout, std::uint8_t* data) {
  Planes planes{};
  for (std::size_t i = 0; i < 3; i++) {
    planes.data[i] = data + layout.planes[i].offset;
    planes.strides[i] = static_cast<int>(layout.planes[i].stride);
  }
  return planes;
}

}  // namespace hailstream
