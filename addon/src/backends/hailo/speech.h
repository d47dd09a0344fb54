#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/hailo/device.h"
#include "backends/hailo/resident.h"
#include "core/outcome.h"

namespace hailstream::hailo {

class SpeechNetwork;

/** Samples are 16 kHz mono, -1 to 1. */
struct Utterance {
  std::vector<float> samples;
  /** Into English instead of the spoken language. */
  bool translate = false;
  /** ISO 639-1; empty lets the model find out. */
  std::string language;
  /** Above 0; unset takes the model's own. */
  std::optional<float> repetitionPenalty;
};

struct Segment {
  /** Seconds from the utterance's start. */
  float start, end;
  std::string text;
};

/**
 * A speech recogniser on the device. HailoRT ignores its timeout and has no abort: a call on a hung device never comes
 * back, and the caller's deadline must end the process.
 */
class Speech {
 public:
  Speech(std::shared_ptr<Device> device, std::string path, Told<std::monostate> told);
  ~Speech();

  /** Throws `invalid` for no samples, ones that are not finite, or more than 10 minutes; otherwise tells later. */
  void transcribe(Utterance utterance, Told<std::vector<Segment>> told);
  void tokenise(std::string text, Told<std::vector<int>> told);
  void close(Told<std::monostate> told);
  bool waitForEnd(std::chrono::milliseconds deadline);

 private:
  Resident<SpeechNetwork> resident_;
};

}  // namespace hailstream::hailo
