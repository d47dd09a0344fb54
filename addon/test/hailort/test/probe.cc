#include <cstdio>
#include <map>
#include <string>

#include "scenes.h"

using namespace hailort;
using namespace std::chrono_literals;

/** A client of its own for tests that need one: it can be killed, hang, or end by the library's defects. */
namespace {

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

genai::LLM openModel(std::shared_ptr<VDevice> device, const std::string& hef) {
  auto llm = genai::LLM::create(device, genai::LLMParams(hef));
  require(llm.status(), "LLM::create");
  return llm.release();
}

/** Reads tokens until the first error, then lets the completion go: it should not come back from that. */
void generateUntilError(const std::string& hef) {
  auto llm = openModel(openShared(), hef);
  auto completion = llm.generate({R"({"role":"user","content":"count to 500"})"});
  require(completion.status(), "generate");
  say("generating");
  while (completion->read(1s)) continue;
  say("failed");
}

/** Holds a model until it is killed. */
void hold(const std::string& hef) {
  const auto device = openShared();
  auto model = device->create_infer_model(hef).release();
  auto configured = model->configure();
  require(configured.status(), "configure");
  say("holding");
  std::getchar();
}

void holdDevice(const std::string& group) {
  auto params = HailoRTDefaults::get_vdevice_params();
  params.group_id = group.c_str();
  const auto device = VDevice::create_shared(params);
  require(device.status(), "VDevice::create_shared");
  say("holding");
  std::getchar();
}

/** Defect 1: the ids of this overload are gone when the speech model asks for them. */
void useDanglingIds(const std::string& hef) {
  const auto device = VDevice::create_shared(std::vector<std::string>{"0001:01:00.0"});
  require(device.status(), "VDevice::create_shared");
  const auto whisper = genai::Speech2Text::create(device.value(), genai::Speech2TextParams(hef));
  say(hailo_get_status_message(whisper.status()));
}

void holdModel(const std::string& hef) {
  const auto llm = openModel(openShared(), hef);
  say("holding");
  std::getchar();
}

}  // namespace

int main(int count, char** arguments) {
  const std::map<std::string, void (*)(const std::string&)> modes = {{"generate", generateUntilError},
                                                                     {"hold", hold},
                                                                     {"hold-device", holdDevice},
                                                                     {"hold-model", holdModel},
                                                                     {"dangling-ids", useDanglingIds}};
  if (count != 3 || !modes.contains(arguments[1])) return 2;
  try {
    modes.at(arguments[1])(arguments[2]);
    say("done");
    return 0;
  } catch (const std::exception& error) {
    say(error.what());
    return 1;
  }
}
