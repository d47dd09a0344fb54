#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hailo/buffer.hpp"
#include "hailo/expected.hpp"

namespace hailort {

/** A file that hailort-standin-hef wrote. Copies share what was parsed. */
class HAILORTAPI Hef final {
 public:
  static Expected<Hef> create(const std::string& hef_path);
  static Expected<Hef> create(const MemoryView& hef_buffer);
  static Expected<Hef> create(std::shared_ptr<Buffer> hef_buffer);

  Expected<std::vector<hailo_vstream_info_t>> get_input_vstream_infos(const std::string& name = "") const;
  Expected<std::vector<hailo_vstream_info_t>> get_output_vstream_infos(const std::string& name = "") const;
  Expected<std::vector<hailo_vstream_info_t>> get_all_vstream_infos(const std::string& name = "") const;
  Expected<std::vector<std::string>> get_sorted_output_names(const std::string& net_group_name = "") const;
  Expected<std::vector<hailo_device_architecture_t>> get_compatible_device_archs() const;
  static Expected<std::string> device_arch_to_string(const hailo_device_architecture_t arch);
  std::vector<std::string> get_network_groups_names() const;
  std::string hash() const;
  static Expected<std::string> hash(const std::string& hef_path);

  ~Hef();
  Hef(Hef&&);
  Hef& operator=(Hef&&);
  Hef(const Hef&) = default;
  Hef& operator=(const Hef&) = delete;

 private:
  friend class StandinVDevice;
  class Impl;
  Hef(std::shared_ptr<Impl> pimpl);
  std::shared_ptr<Impl> pimpl;
};

}  // namespace hailort
