#include <csignal>
#include <cstring>

#include "check.h"
#include "device_process.h"
#include "probe_process.h"
#include "scenes.h"

using namespace hailort;

namespace {

hailo_vdevice_params_t paramsOf(const char* group) {
  auto params = HailoRTDefaults::get_vdevice_params();
  params.group_id = group;
  return params;
}

}  // namespace

TEST("lets any number of processes share a group") {
  const DeviceProcess process;
  ProbeProcess other("hold", hefOf("yolov6n"));
  check::equals(other.line(), std::string("holding"));
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  runner.run(canvas);
  check::equals(process.state()["configured"].integer(), std::int64_t{2});
}

TEST("says 74 to one who wants the device alone while others are there, 73 when it named the device") {
  const DeviceProcess process({"--exclusive-wait-ms", "100"});
  ProbeProcess other("hold-device", "SHARED");
  check::equals(other.line(), std::string("holding"));
  check::equals(VDevice::create().status(), HAILO_OUT_OF_PHYSICAL_DEVICES);
  hailo_device_id_t id{};
  std::strcpy(id.id, "0001:01:00.0");
  auto params = paramsOf("UNIQUE");
  params.device_ids = &id;
  check::equals(VDevice::create(params).status(), HAILO_DEVICE_IN_USE);
  params.group_id = "SHARED";
  check::equals(VDevice::create(params).status(), HAILO_SUCCESS);
}

TEST("shuts everybody out while one has the device alone, until it is gone") {
  const DeviceProcess process({"--exclusive-wait-ms", "200"});
  ProbeProcess other("hold-device", "UNIQUE");
  check::equals(other.line(), std::string("holding"));
  check::equals(VDevice::create(paramsOf("SHARED")).status(), HAILO_OUT_OF_PHYSICAL_DEVICES);
  other.signal(SIGKILL);
  check::isTrue(eventually([&] { return VDevice::create(paramsOf("SHARED")).status() == HAILO_SUCCESS; }),
                "the device is free again");
}

TEST("lets one who waits in as soon as the others are gone") {
  const DeviceProcess process({"--exclusive-wait-ms", "20000"});
  ProbeProcess other("hold-device", "SHARED");
  check::equals(other.line(), std::string("holding"));
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    other.signal(SIGKILL);
  });
  const auto opened = VDevice::create();
  later.join();
  check::equals(opened.status(), HAILO_SUCCESS);
}

TEST("frees all that a client had when it dies") {
  const DeviceProcess process;
  const auto before = process.state()["memoryUsedKib"].integer();
  {
    ProbeProcess other("hold", hefOf("yolov8m"));
    check::equals(other.line(), std::string("holding"));
    check::isTrue(process.state()["memoryUsedKib"].integer() > before, "its model takes memory");
    other.signal(SIGKILL);
  }
  check::isTrue(eventually([&] { return process.state()["memoryUsedKib"].integer() == before; }), "memory is free");
  check::equals(process.state()["configured"].integer(), std::int64_t{0});
}

TEST("gives the generative slot to one process at a time") {
  const DeviceProcess process;
  const auto hef = hefOf("Qwen2.5-1.5B-Instruct");
  const auto device = openShared();
  {
    ProbeProcess other("hold-model", hef);
    check::equals(other.line(), std::string("holding"));
    check::equals(genai::LLM::create(device, genai::LLMParams(hef)).status(), HAILO_COMMUNICATION_CLOSED);
    check::equals(genai::VLM::create(device, genai::VLMParams(hefOf("Qwen2-VL-2B-Instruct"))).status(),
                  HAILO_COMMUNICATION_CLOSED);
    check::equals(genai::Speech2Text::create(device, genai::Speech2TextParams(hefOf("Whisper-Base"))).status(),
                  HAILO_SUCCESS);
  }
  check::isTrue(eventually([&] { return genai::LLM::create(device, genai::LLMParams(hef)).status() == HAILO_SUCCESS; }),
                "the slot is free again");
}

TEST("keeps a model out for which the others leave no memory") {
  const DeviceProcess process;
  const auto device = openShared();
  const auto vlm = genai::VLM::create(device, genai::VLMParams(hefOf("Qwen2-VL-2B-Instruct")));
  check::equals(vlm.status(), HAILO_SUCCESS);
  const auto whisper = genai::Speech2Text::create(device, genai::Speech2TextParams(hefOf("Whisper-Base")));
  check::equals(whisper.status(), HAILO_SUCCESS);
  const Runner depth(*device, "scdepthv3");
  const Runner pose(*device, "yolov8s_pose");
  const Runner finder(*device, "ocr_det");
  const Runner reader(*device, "ocr");
  const Runner image(*device, "clip_resnet_50x4_image_encoder");
  auto text = device->create_infer_model(hefOf("clip_vit_b_32_text_encoder"));
  check::equals(text.status(), HAILO_SUCCESS);
  check::equals(text.value()->configure().status(), HAILO_OUT_OF_HOST_CMA_MEMORY);
}
