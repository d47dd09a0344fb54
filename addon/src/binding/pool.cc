#include "binding/pool.h"

#include <cstring>
#include <mutex>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/error.h"

namespace hailstream {
namespace {

constexpr std::int64_t maxSafeInteger = (std::int64_t{1} << 53) - 1;
constexpr napi_type_tag poolTag = {0x8a1f3c5d7e904b26, 0xb3d5f708192a4c6e};

/** The pool that openPool mapped, for the worker threads of the process; they run on threads of their own. */
std::mutex inheritedLock;
std::shared_ptr<ImagePool> inherited;

/** NativePool of engine/native/addon.ts. */
class PoolHandle : public Napi::ObjectWrap<PoolHandle> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativePool",
        {InstanceAccessor<&PoolHandle::slots>("slots"), InstanceAccessor<&PoolHandle::slotBytes>("slotBytes"),
         InstanceAccessor<&PoolHandle::fd>("fd"), InstanceMethod<&PoolHandle::write>("write"),
         InstanceMethod<&PoolHandle::read>("read"), InstanceMethod<&PoolHandle::close>("close")});
  }

  explicit PoolHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    if (info.Length() != 1 || !info[0].IsExternal())
      throw Napi::TypeError::New(info.Env(), "Expected pools to be made by createPool, openPool or attachPool");
    pool_ = *info[0].As<Napi::External<std::shared_ptr<ImagePool>>>().Data();
    slots_ = pool_->slots();
    slotBytes_ = pool_->slotBytes();
    info.This().As<Napi::Object>().TypeTag(&poolTag);
  }

  std::shared_ptr<ImagePool> pool() const {
    if (!pool_) throw Error(ErrorCode::closed, "Expected an open image pool, received one that was closed");
    return pool_;
  }

 private:
  Napi::Value slots(const Napi::CallbackInfo& info) { return number(info, slots_); }
  Napi::Value slotBytes(const Napi::CallbackInfo& info) { return number(info, slotBytes_); }
  Napi::Value fd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), pool_ ? pool_->fd() : -1); }
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  static Napi::Value number(const Napi::CallbackInfo& info, std::size_t value) {
    return Napi::Number::New(info.Env(), static_cast<double>(value));
  }

  std::shared_ptr<ImagePool> pool_;
  std::size_t slots_ = 0;
  std::size_t slotBytes_ = 0;
};

std::span<std::uint8_t> slotRange(const ImagePool& pool, const Napi::Value& slot, std::size_t offset,
                                  std::size_t length) {
  const auto bytes = pool.slot(static_cast<std::size_t>(readInteger(slot, "slot", 0, maxSafeInteger)));
  if (offset > bytes.size() || length > bytes.size() - offset)
    throw Error(ErrorCode::tooLarge, "Expected a range within the slot's " + std::to_string(bytes.size()) +
                                         " bytes, received " + std::to_string(length) + " from " +
                                         std::to_string(offset));
  return bytes.subspan(offset, length);
}

Napi::Value PoolHandle::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto bytes = readBytes(info[1], "bytes");
    const auto offset = static_cast<std::size_t>(readInteger(info[2], "offset", 0, maxSafeInteger));
    const auto target = slotRange(*pool(), info[0], offset, bytes.size());
    if (!bytes.empty()) std::memcpy(target.data(), bytes.data(), bytes.size());
    return info.Env().Undefined();
  });
}

Napi::Value PoolHandle::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto offset = static_cast<std::size_t>(readInteger(info[1], "offset", 0, maxSafeInteger));
    const auto length = static_cast<std::size_t>(readInteger(info[2], "length", 0, maxSafeInteger));
    const auto source = slotRange(*pool(), info[0], offset, length);
    return Napi::Buffer<std::uint8_t>::Copy(info.Env(), source.data(), source.size());
  });
}

Napi::Value PoolHandle::close(const Napi::CallbackInfo& info) {
  const std::lock_guard guard(inheritedLock);
  if (pool_ && inherited == pool_) inherited.reset();
  pool_.reset();
  return info.Env().Undefined();
}

Napi::Value wrap(Napi::Env env, std::shared_ptr<ImagePool> pool) {
  return env.GetInstanceData<Napi::FunctionReference>()->New(
      {Napi::External<std::shared_ptr<ImagePool>>::New(env, &pool)});
}

std::size_t readSize(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return static_cast<std::size_t>(readInteger(info[index], name, 1, maxSafeInteger));
}

Napi::Value createPool(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), ImagePool::create(readSize(info, 0, "slots"), readSize(info, 1, "slotBytes")));
}

Napi::Value openPool(const Napi::CallbackInfo& info) {
  const int fd = static_cast<int>(readInteger(info[0], "fd", 0, INT32_MAX));
  auto pool = ImagePool::open(fd, readSize(info, 1, "slots"), readSize(info, 2, "slotBytes"));
  {
    const std::lock_guard guard(inheritedLock);
    inherited = pool;
  }
  return wrap(info.Env(), std::move(pool));
}

Napi::Value attachPool(const Napi::CallbackInfo& info) {
  std::shared_ptr<ImagePool> pool;
  {
    const std::lock_guard guard(inheritedLock);
    pool = inherited;
  }
  if (!pool) throw Error(ErrorCode::closed, "Expected openPool to have mapped a pool in this process, received none");
  return wrap(info.Env(), std::move(pool));
}

}  // namespace

std::shared_ptr<ImagePool> readPool(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&poolTag))
    throw Napi::TypeError::New(value.Env(), "Expected pool to be a NativePool");
  return PoolHandle::Unwrap(value.As<Napi::Object>())->pool();
}

ImageView readImage(const ImagePool& pool, const Napi::Value& value) {
  const Napi::Object image = readObject(value, "image");
  const auto slot = pool.slot(static_cast<std::size_t>(readInteger(image.Get("slot"), "slot", 0, maxSafeInteger)));
  const ImageView view{readFormat(image.Get("format"), "image.format"),
                       static_cast<std::size_t>(readInteger(image.Get("width"), "image.width", 1, maxSide)),
                       static_cast<std::size_t>(readInteger(image.Get("height"), "image.height", 1, maxSide)),
                       slot.data()};
  const std::size_t bytes = layoutOf(view.format, view.width, view.height).bytes;
  if (bytes > slot.size())
    throw Error(ErrorCode::tooLarge, "Expected an image of at most " + std::to_string(slot.size()) +
                                         " bytes, received one of " + std::to_string(bytes));
  return view;
}

void registerPool(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Napi::FunctionReference(Napi::Persistent(PoolHandle::define(env))));
  exportFunction(env, exports, "createPool", createPool);
  exportFunction(env, exports, "openPool", openPool);
  exportFunction(env, exports, "attachPool", attachPool);
}

}  // namespace hailstream
