#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hailo/device.hpp"
#include "hailo/hailort.h"
#include "hailo/hef.hpp"
#include "hailo/network_group.hpp"

namespace hailort {

class InferModel;

class HAILORTAPI VDevice {
 public:
  static Expected<std::unique_ptr<VDevice>> create(const hailo_vdevice_params_t& params);
  static Expected<std::shared_ptr<VDevice>> create_shared(const hailo_vdevice_params_t& params);
  static Expected<std::unique_ptr<VDevice>> create();
  static Expected<std::shared_ptr<VDevice>> create_shared();
  /** Leaves `device_ids` of get_params() dangling, as HailoRT 5.2.0 does: use the overload with parameters. */
  static Expected<std::unique_ptr<VDevice>> create(const std::vector<std::string>& device_ids);
  static Expected<std::shared_ptr<VDevice>> create_shared(const std::vector<std::string>& device_ids);

  virtual Expected<std::shared_ptr<InferModel>> create_infer_model(const std::string& hef_path,
                                                                   const std::string& name = "") = 0;
  virtual Expected<std::shared_ptr<InferModel>> create_infer_model(const MemoryView hef_buffer,
                                                                   const std::string& name = "") = 0;
  virtual Expected<std::shared_ptr<InferModel>> create_infer_model(std::shared_ptr<Buffer> hef_buffer,
                                                                   const std::string& name = "") = 0;
  virtual Expected<std::shared_ptr<InferModel>> create_infer_model(Hef hef, const std::string& name = "") = 0;
  virtual Expected<std::vector<std::reference_wrapper<Device>>> get_physical_devices() const = 0;
  virtual Expected<std::vector<std::string>> get_physical_devices_ids() const = 0;
  virtual hailo_status dma_map(void* address, size_t size, hailo_dma_buffer_direction_t direction) = 0;
  virtual hailo_status dma_unmap(void* address, size_t size, hailo_dma_buffer_direction_t direction) = 0;
  virtual hailo_status dma_map_dmabuf(int dmabuf_fd, size_t size, hailo_dma_buffer_direction_t direction) = 0;
  virtual hailo_status dma_unmap_dmabuf(int dmabuf_fd, size_t size, hailo_dma_buffer_direction_t direction) = 0;
  const hailo_vdevice_params_t& get_params() const { return m_params; }

  virtual ~VDevice() = default;
  VDevice(const VDevice&) = delete;
  VDevice& operator=(const VDevice&) = delete;
  VDevice(VDevice&&) = delete;
  VDevice& operator=(VDevice&&) = delete;

 protected:
  VDevice(const hailo_vdevice_params_t& params) : m_params(params) {}
  hailo_vdevice_params_t m_params;
};

}  // namespace hailort
