#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "check.h"
#include "core/json.h"
#include "device_process.h"
#include "hailo/hailort.hpp"
#include "scenes.h"

using namespace hailort;

namespace {

struct Ran {
  int status;
  std::string output;
};

Ran run(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  Ran ran{-1, {}};
  for (int next = std::fgetc(pipe); next != EOF; next = std::fgetc(pipe)) ran.output += static_cast<char>(next);
  ran.status = WEXITSTATUS(::pclose(pipe));
  return ran;
}

}  // namespace

TEST("writes HEFs that the library reads, and names what it can write") {
  const std::string path = testFolder() + "/written.hef";
  check::equals(run(std::string(STANDIN_HEF) + " stereonet " + path).status, 0);
  check::equals(Hef::create(path)->get_input_vstream_infos().value().size(), std::size_t{2});
  check::isTrue(run(std::string(STANDIN_HEF) + " --list").output.find("Whisper-Base\n") != std::string::npos, "a list");
  const auto unknown = run(std::string(STANDIN_HEF) + " yolov99 " + path);
  check::equals(unknown.status, 2);
  check::isTrue(unknown.output.find("yolov99") != std::string::npos, "what it got");
}

TEST("carries commands to the device and tells a wrong one") {
  const DeviceProcess process;
  const auto state = run(std::string(STANDIN_CONTROL) + R"( '{"control":"state"}')");
  check::equals(state.status, 0);
  check::equals((*standin::Json::parse(state.output))["memoryTotalKib"].integer(), std::int64_t{8192 * 1024});
  const auto wrong = run(std::string(STANDIN_CONTROL) + R"( '{"control":"explode"}')");
  check::equals(wrong.status, 1);
  check::isTrue(wrong.output.find("explode") != std::string::npos, "what it got");
}

TEST("refuses options that it does not have") {
  const auto ran = run(std::string(STANDIN_DEVICE) + " --socket /tmp/x --speed none");
  check::equals(ran.status, 2);
  check::isTrue(ran.output.find("Expected a number above 0 for --speed, received \"none\"") == 24, ran.output);
}

TEST("plays the faults of a script") {
  const std::string path = testFolder() + "/script";
  std::ofstream(path) << R"({"control":"fail-load","status":71})"
                      << "\n"
                      << R"({"atMs":20,"control":"throttle","state":1})"
                      << "\n";
  const DeviceProcess process({"--script", path});
  check::isTrue(eventually([&] { return process.state()["throttling"].integer() == 1; }), "the second line");
  const auto device = openShared();
  auto model = device->create_infer_model(hefOf("yolov6n")).release();
  check::equals(model->configure().status(), HAILO_OUT_OF_FW_MEMORY);
}

TEST("reads and writes JSON as it is") {
  const std::string text = R"({"a":[1,-2.5,"x\"\\\n",true,null],"b":{}})";
  const auto parsed = standin::Json::parse(text);
  check::isTrue(parsed.has_value(), "it parses");
  check::equals((*parsed)["a"].array()[2].string(), std::string("x\"\\\n"));
  check::equals(standin::Json::parse(parsed->text())->text(), parsed->text());
  check::equals(standin::Json::parse(R"("é😀")")->string(), std::string("é😀"));
  for (const char* wrong : {"", "{", "[1,]", "{\"a\"}", "\"", "nul", "1 2"})
    check::isTrue(!standin::Json::parse(wrong), std::string("no JSON: ") + wrong);
  check::isTrue(!standin::Json::parse(std::string(100, '[')), "too deep");
}
