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

thread_local Handle threadDecoder;
thread_local Handle threadEncoder;

}  // namespace

tjhandle turboDecoder() {
  if (!threadDecoder) threadDecoder = own(tjInitDecompress());
  return threadDecoder.get();
}

tjhandle turboEncoder() {
  if (!threadEncoder) threadEncoder = own(tjInitCompress());
  return threadEncoder.get();
}

void rejectTurbo(tjhandle handle) {
  const std::string message = tjGetErrorStr2(handle);
  // tjDecompressHeader3 (2.1.5) leaves without jpeg_abort when a table is broken, and then fails for every file after
  // it.
  threadDecoder.reset();
  threadEncoder.reset();
  throw Error(ErrorCode::invalid, "Expected a whole JPEG, received one that libjpeg-turbo finds wrong: " + message);
}

void checkTurbo(tjhandle handle, int result) {
  if (result == 0) return;
  const std::string message = tjGetErrorStr2(handle);
  if (tjGetErrorCode(handle) == TJERR_WARNING && message.ends_with("extraneous bytes before marker 0xd9")) return;
  rejectTurbo(handle);
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
