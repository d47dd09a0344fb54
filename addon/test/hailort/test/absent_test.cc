#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "check.h"
#include "device_process.h"
#include "hailo/hailort.hpp"

using namespace hailort;

/** The table of what HailoRT 5.2.0 answers on a machine without a device. */
namespace {

hailo_vdevice_params_t paramsOf(const char* group) {
  auto params = HailoRTDefaults::get_vdevice_params();
  params.group_id = group;
  return params;
}

std::string fileWith(const std::string& bytes) {
  const std::string path = hefOf("yolov8n") + ".changed";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string bytesOfHef() {
  std::ifstream file(hefOf("yolov8n"), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST("finds no device, and says so with HailoRT's statuses") {
  check::equals(Device::scan().value().size(), std::size_t{0});
  check::equals(Device::create().status(), HAILO_INVALID_OPERATION);
  check::equals(Device::create("0001:01:00.0").status(), HAILO_INVALID_ARGUMENT);
  check::equals(VDevice::create().status(), HAILO_OUT_OF_PHYSICAL_DEVICES);
  check::equals(VDevice::create(paramsOf("SHARED")).status(), HAILO_OUT_OF_PHYSICAL_DEVICES);
  check::equals(VDevice::create(std::vector<std::string>{"0001:01:00.0"}).status(), HAILO_INVALID_ARGUMENT);
  check::equals(VDevice::create(std::vector<std::string>{"127.0.0.1"}).status(), HAILO_CONNECTION_REFUSED);
  auto params = paramsOf("SHARED");
  params.multi_process_service = true;
  check::equals(VDevice::create(params).status(), HAILO_OUT_OF_PHYSICAL_DEVICES);
}

TEST("refuses a connection where nobody listens") {
  const Variable socket("HAILORT_STANDIN_SOCKET", "/tmp/hailort-standin-nobody");
  check::equals(VDevice::create(paramsOf("SHARED")).status(), HAILO_CONNECTION_REFUSED);
  check::equals(Device::scan().value().size(), std::size_t{1});
}

TEST("tells a missing, a bogus, an empty and a cut HEF apart") {
  const std::string good = bytesOfHef();
  check::equals(Hef::create(std::string("/nowhere/a.hef")).status(), HAILO_OPEN_FILE_FAILURE);
  check::equals(Hef::create(fileWith("this is no HEF at all, but it is long enough")).status(),
                HAILO_HEF_NOT_SUPPORTED);
  check::equals(Hef::create(fileWith("")).status(), HAILO_FILE_OPERATION_FAILURE);
  check::equals(Hef::create(fileWith("\x01H")).status(), HAILO_FILE_OPERATION_FAILURE);
  check::equals(Hef::create(fileWith(good.substr(0, 22))).status(), HAILO_FILE_OPERATION_FAILURE);
  check::equals(Hef::create(fileWith(good.substr(0, good.size() - 1))).status(), HAILO_FILE_OPERATION_FAILURE);
  std::string old = good;
  old[7] = 2;
  check::equals(Hef::create(fileWith(old)).status(), HAILO_HEF_NOT_SUPPORTED);
  const auto hef = Hef::create(fileWith(good));
  check::equals(hef.status(), HAILO_SUCCESS);
  check::equals(hef->get_network_groups_names()[0], std::string("yolov8n"));
  check::equals(hef->hash(), Hef::hash(hefOf("yolov8n")).value());
  check::equals(hef->get_compatible_device_archs().value()[0], HAILO_ARCH_HAILO10H);
}

TEST("checks generative models' files before it looks for a device") {
  genai::LLMParams params;
  check::equals(params.set_model("/nowhere/a.hef"), HAILO_OPEN_FILE_FAILURE);
  check::equals(params.set_model(genai::BUILTIN), HAILO_INVALID_OPERATION);
  check::equals(genai::VLMParams().set_model("/nowhere/a.hef"), HAILO_OPEN_FILE_FAILURE);
  check::equals(genai::Speech2TextParams().set_model("/nowhere/a.hef"), HAILO_OPEN_FILE_FAILURE);
}

TEST("names its version and every status") {
  hailo_version_t version{};
  check::equals(hailo_get_library_version(&version), HAILO_SUCCESS);
  check::equals(version.major * 100 + version.minor * 10 + version.revision, 520u);
  check::equals(std::string(hailo_get_status_message(HAILO_CONNECTION_REFUSED)),
                std::string("HAILO_CONNECTION_REFUSED"));
  check::isTrue(hailo_get_status_message(HAILO_STATUS_COUNT) == nullptr, "no name for what is no status");
  const Variable other("HAILORT_STANDIN_LIBRARY_VERSION", "5.1.1");
  check::equals(hailo_get_library_version(&version), HAILO_SUCCESS);
  check::equals(version.minor, 1u);
}

TEST("gives page-aligned memory for transfers") {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto buffer = Buffer::create_shared(100, BufferStorageParams::create_dma()).release();
  check::equals(reinterpret_cast<std::uintptr_t>(buffer->data()) % page, std::uintptr_t{0});
  check::equals(buffer->size(), std::size_t{100});
}
