#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/hailo/answer.h"
#include "backends/hailo/device.h"
#include "backends/hailo/network.h"
#include "core/image.h"
#include "core/outcome.h"
#include "kernels/fit.h"

namespace hailstream::hailo {

/** An image that is fitted into an input; `width` and `height` of `options` are the input's. */
struct FittedImage {
  ImageView image;
  FitOptions options;
};

/** One per input of the network: an image, or the bytes of a whole frame in the input's own type. */
using InputSource = std::variant<FittedImage, std::vector<std::uint8_t>>;

struct Inference {
  std::vector<InputSource> inputs;
  Question question;
  /** Keeps what `inputs` and `question.map` point into, until the answer has been told. */
  std::shared_ptr<const void> held;
};

struct ModelFacts {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  /** Inferences that may be under way at once. */
  std::size_t depth;
  /** Buffers that the device could not map: each costs a copy per transfer. */
  std::size_t unmapped;
};

/**
 * A network on the device, with a thread of its own that fits images, starts inferences and decodes what comes back.
 * All methods return at once and may be called from any thread. Letting it go closes it.
 */
class Model {
 public:
  /** Loads on the model's thread; `told` gets the facts, or the error, after which the model is closed. */
  Model(std::shared_ptr<Device> device, NetworkOptions options, Told<ModelFacts> told);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /** `told` comes once, on the model's thread, unless this throws: `busy` when `depth` are under way, `closed`. */
  void infer(Inference inference, Told<Answer> told);
  /** From the next inference on; 0 to 31, the device's own scheduler takes higher ones first. */
  void setPriority(std::uint8_t priority);
  /**
   * Cancels what is under way, frees the network, then tells. Where completions do not come within 5 s the buffers stay
   * for ever, since the device may still write, and the device says `mustRecycle`. Repeated calls are told as well.
   */
  void close(Told<std::monostate> told);
  /** Waits until the thread has ended, at most so long; says whether it has. */
  bool waitForEnd(std::chrono::milliseconds deadline);

 private:
  struct Mailbox;
  class Worker;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace hailstream::hailo
