#include <mutex>
#include <string>
#include <utility>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "binding/hailo/handles.h"

namespace hailstream {

struct OpenDevice::State {
  mutable std::mutex lock;
  std::shared_ptr<hailo::Device> device;

  std::shared_ptr<hailo::Device> open() const {
    const std::lock_guard guard(lock);
    if (!device) throw Error(ErrorCode::closed, "Expected an open device, received one that was closed");
    return device;
  }
};

void OpenDevice::open(hailo::DeviceOptions options, Told<std::monostate> told) {
  state_ = std::make_shared<State>();
  thread_.post([state = state_, options = std::move(options), told = std::move(told)]() mutable {
    told(attempt([&] {
      auto device = std::make_shared<hailo::Device>(std::move(options));
      const std::lock_guard guard(state->lock);
      state->device = std::move(device);
      return std::monostate();
    }));
  });
}

void OpenDevice::health(Told<hailo::Health> told) {
  thread_.post([state = state_, told = std::move(told)] { told(attempt([&] { return state->open()->health(); })); });
}

void OpenDevice::close(Told<std::monostate> told) {
  try {
    thread_.post([state = state_, told] {
      std::shared_ptr<hailo::Device> device;
      {
        const std::lock_guard guard(state->lock);
        device.swap(state->device);
      }
      if (device) device->close();
      told(std::monostate());
    });
  } catch (const Error&) {
    // Closed before.
    told(std::monostate());
  }
  thread_.end();
}

std::shared_ptr<hailo::Device> OpenDevice::device() const {
  return state_->open();
}

namespace {

template <typename Value>
void setIfKnown(Napi::Object object, const char* name, const std::optional<Value>& value) {
  if (value) object[name] = static_cast<double>(*value);
}

Napi::Value toJsHealth(Napi::Env env, const hailo::Health& health) {
  Napi::Object result = Napi::Object::New(env);
  result["id"] = health.id;
  result["architecture"] = health.architecture;
  result["board"] = health.board;
  result["serial"] = health.serial;
  result["firmware"] = health.firmware;
  setIfKnown(result, "temperature", health.temperature);
  setIfKnown(result, "power", health.power);
  setIfKnown(result, "cpuPercent", health.cpuPercent);
  setIfKnown(result, "corePercent", health.corePercent);
  setIfKnown(result, "memoryTotalBytes", health.memoryTotalBytes);
  setIfKnown(result, "memoryUsedBytes", health.memoryUsedBytes);
  return result;
}

Napi::Value takeNotices(const std::shared_ptr<OpenDevice>& device, const Napi::CallbackInfo& info) {
  const auto taken = device->device()->notices().take();
  Napi::Object result = Napi::Object::New(info.Env());
  Napi::Array notices = Napi::Array::New(info.Env());
  for (const auto& [kind, value] : taken.notices) {
    Napi::Object notice = Napi::Object::New(info.Env());
    notice["kind"] = kind;
    notice["value"] = value;
    notices.Set(notices.Length(), notice);
  }
  result["notices"] = notices;
  result["dropped"] = static_cast<double>(taken.dropped);
  return result;
}

Napi::Value toJsDevice(Napi::Env env, const std::shared_ptr<OpenDevice>& device,
                       const std::shared_ptr<Settler>& settler) {
  Napi::Object handle = Napi::Object::New(env);
  exportFunction(env, handle, "health", [device, settler](const Napi::CallbackInfo& info) {
    return settler->promise<hailo::Health>(
        info.Env(), [&](Told<hailo::Health> told) { device->health(std::move(told)); }, toJsHealth);
  });
  exportFunction(env, handle, "notices",
                 [device](const Napi::CallbackInfo& info) { return takeNotices(device, info); });
  exportFunction(env, handle, "mustRecycle", [device](const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), device->device()->mustRecycle());
  });
  exportFunction(env, handle, "loadModel",
                 [device](const Napi::CallbackInfo& info) { return loadModel(device, info); });
  exportFunction(env, handle, "loadLanguage",
                 [device](const Napi::CallbackInfo& info) { return loadLanguage(device, info); });
  exportFunction(env, handle, "loadSpeech",
                 [device](const Napi::CallbackInfo& info) { return loadSpeech(device, info); });
  addClose(env, handle, settler, device);
  return handle;
}

hailo::DeviceOptions readDeviceOptions(const Napi::Value& value) {
  const Napi::Object from = readObject(value, "options");
  hailo::DeviceOptions options;
  options.group = readText(from.Get("group"), "group");
  const Napi::Value ids = from.Get("ids");
  if (ids.IsUndefined()) return options;
  if (!ids.IsArray()) throw Napi::TypeError::New(value.Env(), "Expected ids to be an array");
  const auto list = ids.As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); i++) options.ids.push_back(readText(list.Get(i), "ids"));
  return options;
}

Napi::Value openHailo(const Napi::CallbackInfo& info) {
  auto options = readDeviceOptions(info[0]);
  const auto settler = Settler::create(info.Env());
  const auto device = std::make_shared<OpenDevice>(settler);
  return settler->promise<std::monostate>(
      info.Env(), [&](Told<std::monostate> told) { device->open(std::move(options), std::move(told)); },
      [device, settler = settler.get()](Napi::Env env, std::monostate) {
        return toJsDevice(env, device, settler->shared_from_this());
      });
}

}  // namespace

void registerHailo(Napi::Env env, Napi::Object exports, bool simulated) {
  exportFunction(env, exports, "openHailo", openHailo);
  exportFunction(env, exports, "hailoLibrary", [simulated](const Napi::CallbackInfo& info) {
    Napi::Object library = Napi::Object::New(info.Env());
    library["version"] = hailo::checkLibrary();
    library["simulated"] = simulated;
    library["generative"] = static_cast<bool>(HAILSTREAM_HAILO_GENAI);
    return library;
  });
}

}  // namespace hailstream
