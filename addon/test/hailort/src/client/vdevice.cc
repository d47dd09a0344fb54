#include "hailo/vdevice.hpp"

#include <arpa/inet.h>

#include <cstring>

#include "client/environment.h"
#include "client/infer_model_client.h"
#include "client/vdevice_client.h"
#include "core/hef_file.h"
#include "hailo/hailort_defaults.hpp"

namespace standin {
namespace {

bool isAddress(const char* id) {
  in_addr parsed{};
  return ::inet_pton(AF_INET, id, &parsed) == 1;
}

}  // namespace

hailo_status checkParams(const hailo_vdevice_params_t& params) {
  if (params.device_count != 1) return HAILO_OUT_OF_PHYSICAL_DEVICES;
  const bool there = !socketPath().empty();
  if (params.multi_process_service) return there ? HAILO_INVALID_OPERATION : HAILO_OUT_OF_PHYSICAL_DEVICES;
  if (params.device_ids == nullptr) return there ? HAILO_SUCCESS : HAILO_OUT_OF_PHYSICAL_DEVICES;
  const char* id = params.device_ids[0].id;
  if (isAddress(id)) return HAILO_CONNECTION_REFUSED;
  return there && std::strncmp(id, deviceId, HAILO_MAX_DEVICE_ID_LENGTH) == 0 ? HAILO_SUCCESS : HAILO_INVALID_ARGUMENT;
}

}  // namespace standin

namespace hailort {

using standin::Json;

hailo_vdevice_params_t HailoRTDefaults::get_vdevice_params() {
  return {HAILO_DEFAULT_DEVICE_COUNT, nullptr, HAILO_SCHEDULING_ALGORITHM_ROUND_ROBIN, HAILO_DEFAULT_VDEVICE_GROUP_ID,
          false};
}

Expected<std::unique_ptr<VDevice>> VDevice::create(const hailo_vdevice_params_t& params) {
  return StandinVDevice::open(params);
}

Expected<std::unique_ptr<VDevice>> VDevice::create() {
  return create(HailoRTDefaults::get_vdevice_params());
}

Expected<std::unique_ptr<VDevice>> VDevice::create(const std::vector<std::string>& device_ids) {
  // The ids live for this call only, while the device keeps the pointer: defect 1 of HailoRT 5.2.0.
  std::vector<hailo_device_id_t> ids(device_ids.size());
  for (std::size_t i = 0; i < ids.size(); i++) std::strncpy(ids[i].id, device_ids[i].c_str(), sizeof ids[i].id - 1);
  auto params = HailoRTDefaults::get_vdevice_params();
  params.device_count = static_cast<std::uint32_t>(ids.size());
  params.device_ids = ids.data();
  return create(params);
}

namespace {

Expected<std::shared_ptr<VDevice>> share(Expected<std::unique_ptr<VDevice>> device) {
  if (!device) return make_unexpected(device.status());
  return std::shared_ptr<VDevice>(device.release());
}

}  // namespace

Expected<std::shared_ptr<VDevice>> VDevice::create_shared(const hailo_vdevice_params_t& params) {
  return share(create(params));
}

Expected<std::shared_ptr<VDevice>> VDevice::create_shared() {
  return share(create());
}

Expected<std::shared_ptr<VDevice>> VDevice::create_shared(const std::vector<std::string>& device_ids) {
  return share(create(device_ids));
}

Expected<std::unique_ptr<VDevice>> StandinVDevice::open(const hailo_vdevice_params_t& params) {
  if (const auto status = standin::checkParams(params); status != HAILO_SUCCESS) return make_unexpected(status);
  auto link = standin::Link::open();
  if (!link) return make_unexpected(link.status());
  const auto opened = link.value()->request(Json::Object{{"do", "open"}, {"group", params.group_id}});
  // Without explicit ids HailoRT looks for another device and says that none is left.
  if (opened.status() == HAILO_DEVICE_IN_USE && params.device_ids == nullptr)
    return make_unexpected(HAILO_OUT_OF_PHYSICAL_DEVICES);
  if (!opened) return make_unexpected(opened.status());
  return std::unique_ptr<VDevice>(new StandinVDevice(params, link.release()));
}

StandinVDevice::StandinVDevice(const hailo_vdevice_params_t& params, std::shared_ptr<standin::Link> link)
    : VDevice(params), link_(std::move(link)), device_(std::make_unique<StandinDevice>(link_)) {
  link_->onEvent([device = device_.get(), faults = faults_](const Json& event) {
    if (device->handle(event)) return;
    faults->set(static_cast<int>(event["configured"].integer()), static_cast<hailo_status>(event["code"].integer()));
  });
}

StandinVDevice::~StandinVDevice() {
  const auto closed = link_->request(Json::Object{{"do", "close"}});
  if (!closed) standin::logCritical("Failed to destroy VDevice, status " + std::to_string(closed.status()));
}

Expected<std::shared_ptr<InferModel>> StandinVDevice::load(const std::string& network, size_t bytes,
                                                           Expected<Hef> hef) {
  // As HailoRT does: all bytes are sent before anybody looks at them.
  const auto created =
      link_->request(Json::Object{{"do", "create"}, {"network", network}, {"bytes", bytes}}, standin::longTimeout());
  if (!created) return make_unexpected(created.status());
  return std::shared_ptr<InferModel>(std::make_shared<StandinInferModel>(
      hef.release(), StandinConnection{link_, mappings_, faults_}, static_cast<int>((*created)["model"].integer())));
}

Expected<std::shared_ptr<InferModel>> StandinVDevice::create_infer_model(const MemoryView hef_buffer,
                                                                         const std::string& name) {
  auto hef = Hef::create(hef_buffer);
  if (hef && !name.empty() && hef->get_network_groups_names()[0] != name) return make_unexpected(HAILO_NOT_IMPLEMENTED);
  const std::string network = hef ? hef->get_network_groups_names()[0] : "";
  return load(network, hef_buffer.size(), Expected<Hef>(std::move(hef)));
}

Expected<std::shared_ptr<InferModel>> StandinVDevice::create_infer_model(const std::string& hef_path,
                                                                         const std::string& name) {
  const auto file = standin::readFile(hef_path);
  if (file.status != 0) return make_unexpected(static_cast<hailo_status>(file.status));
  return create_infer_model(MemoryView(file.bytes), name);
}

Expected<std::shared_ptr<InferModel>> StandinVDevice::create_infer_model(std::shared_ptr<Buffer> hef_buffer,
                                                                         const std::string& name) {
  return create_infer_model(MemoryView(*hef_buffer), name);
}

Expected<std::shared_ptr<InferModel>> StandinVDevice::create_infer_model(Hef hef, const std::string&) {
  const std::string network = hef.get_network_groups_names()[0];
  return load(network, 0, Expected<Hef>(std::move(hef)));
}

Expected<std::vector<std::reference_wrapper<Device>>> StandinVDevice::get_physical_devices() const {
  return std::vector<std::reference_wrapper<Device>>{*device_};
}

Expected<std::vector<std::string>> StandinVDevice::get_physical_devices_ids() const {
  return std::vector<std::string>{standin::deviceId};
}

hailo_status StandinVDevice::dma_map(void* address, size_t size, hailo_dma_buffer_direction_t) {
  if (address == nullptr || size == 0) return HAILO_INVALID_ARGUMENT;
  return mappings_->add(address, size);
}

hailo_status StandinVDevice::dma_unmap(void* address, size_t, hailo_dma_buffer_direction_t) {
  return mappings_->remove(address);
}

hailo_status StandinVDevice::dma_map_dmabuf(int dmabuf_fd, size_t, hailo_dma_buffer_direction_t) {
  return dmabuf_fd < 0 ? HAILO_INVALID_ARGUMENT : HAILO_SUCCESS;
}

hailo_status StandinVDevice::dma_unmap_dmabuf(int dmabuf_fd, size_t, hailo_dma_buffer_direction_t) {
  return dmabuf_fd < 0 ? HAILO_INVALID_ARGUMENT : HAILO_SUCCESS;
}

}  // namespace hailort
