#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/hailo/buffers.h"
#include "backends/hailo/device.h"
#include "backends/hailo/tensors.h"

namespace hailstream::hailo {

struct NetworkOptions {
  /** Path of the HEF, whose hash the caller has checked: the library can fault on a crafted one. */
  std::string path;
  /** Which network of the HEF; empty takes its only one. */
  std::string name;
  /** Most inferences under way at once; fewer where the device's queue is shorter. */
  std::size_t mostDepth = 4;
  OutputTypes outputs = OutputTypes::compact;
};

/** Told on HailoRT's one callback thread: must only hand over. */
using Completed = std::function<void(std::size_t set, hailo_status status)>;

/**
 * A configured network with `depth` sets of buffers. Every call may block and belongs on one thread. It must have no
 * inference under way when it is destroyed: a transfer could still write.
 */
class Network {
 public:
  Network(std::shared_ptr<hailort::VDevice> device, const NetworkOptions& options);

  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  std::size_t depth() const { return sets_.size(); }
  std::size_t unmapped() const;
  BufferSet& set(std::size_t index) { return sets_[index]; }

  /** Among the models of the device, 0 to 31; tells the device only when it has changed. */
  void setPriority(std::uint8_t priority);
  /** Starts an inference on a set; `completed` comes later, exactly once. A throw means that it never will. */
  void start(std::size_t set, Completed completed, std::chrono::milliseconds deadline);
  /** Cancels all that is under way; the completions still come. */
  void cancelAll();

 private:
  // In this order: buffers and bindings go first, then the configured network, its model, and the device last.
  std::shared_ptr<hailort::VDevice> device_;
  std::shared_ptr<hailort::InferModel> model_;
  hailort::ConfiguredInferModel configured_;
  std::vector<BufferSet> sets_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  int priority_ = HAILO_SCHEDULER_PRIORITY_NORMAL;
};

}  // namespace hailstream::hailo
