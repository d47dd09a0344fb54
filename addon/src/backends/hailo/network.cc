#include "backends/hailo/network.h"

#include <algorithm>
#include <utility>

namespace hailstream::hailo {
namespace {

/** The library puts all streams' descriptions into one request of this size and only says "CHECK failed" beyond. */
constexpr std::size_t mostDescription = 2048;
/** What a stream takes there beside its name. */
constexpr std::size_t streamDescription = 48;

void checkDescription(const hailort::InferModel& model) {
  std::size_t bytes = 0;
  for (const auto* names : {&model.get_input_names(), &model.get_output_names()}) {
    for (const auto& name : *names) bytes += name.size() + streamDescription;
  }
  if (bytes <= mostDescription) return;
  throw Error(ErrorCode::invalid, "Expected a network whose streams take at most " + std::to_string(mostDescription) +
                                      " bytes to name, received about " + std::to_string(bytes) +
                                      ". Compile it with fewer outputs or shorter names");
}

}  // namespace

Network::Network(std::shared_ptr<hailort::VDevice> device, const NetworkOptions& options)
    : device_(std::move(device)),
      model_(take(device_->create_infer_model(options.path, options.name), "to load " + options.path)) {
  checkDescription(*model_);
  chooseFormats(*model_, options.outputs);
  configured_ = take(model_->configure(), "to configure " + options.path);
  inputs_ = describeInputs(*model_);
  outputs_ = describeOutputs(*model_);
  const auto queue = take(configured_.get_async_queue_size(), "the length of the device's queue");
  const std::size_t depth = std::clamp<std::size_t>(queue, 1, std::max<std::size_t>(1, options.mostDepth));
  sets_.reserve(depth);
  for (std::size_t i = 0; i < depth; i++) sets_.emplace_back(*device_, *model_, configured_);
}

std::size_t Network::unmapped() const {
  std::size_t count = 0;
  for (const auto& set : sets_) count += set.unmapped();
  return count;
}

void Network::setPriority(std::uint8_t priority) {
  if (priority_ == priority) return;
  require(configured_.set_scheduler_priority(priority), "priority " + std::to_string(priority) + " for the model");
  priority_ = priority;
}

void Network::start(std::size_t set, Completed completed, std::chrono::milliseconds deadline) {
  require(configured_.wait_for_async_ready(deadline), "room in the device's queue");
  auto job =
      take(configured_.run_async(sets_[set].bindings(),
                                 [completed = std::move(completed),
                                  set](const hailort::AsyncInferCompletionInfo& told) { completed(set, told.status); }),
           "to start an inference");
  // Its destructor would wait for the inference.
  job.detach();
}

void Network::cancelAll() {
  require(configured_.shutdown(), "to cancel what is under way");
}

}  // namespace hailstream::hailo
