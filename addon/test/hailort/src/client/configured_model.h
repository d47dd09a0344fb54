#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "client/frame_buffers.h"
#include "client/infer_model_client.h"

namespace hailort {

/** One frame under way, for whoever waits for it. */
class StandinJob {
 public:
  explicit StandinJob(uint32_t parts = 1) : left_(parts) {}

  /** True when this was its last part. The job has the first status that was not success. */
  bool finishPart(hailo_status status);
  /** After the caller's callback: lets those go on who wait. */
  void release();
  hailo_status status() const;
  hailo_status wait(std::chrono::milliseconds timeout);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t left_;
  bool released_ = false;
  hailo_status status_ = HAILO_SUCCESS;
};

struct StandinConfiguration {
  int handle;
  uint32_t queue;
  std::vector<standin::StreamSettings> inputs;
  std::vector<standin::StreamSettings> outputs;
  bool measuresLatency;
};

/** A network on the device. Its frames' results are made here, when the device says that their time is over. */
class StandinConfiguredModel {
 public:
  using Bindings = ConfiguredInferModel::Bindings;
  using Callback = std::function<void(const AsyncInferCompletionInfo&)>;

  StandinConfiguredModel(const standin::Network& network, StandinConnection connection,
                         StandinConfiguration configuration);
  ~StandinConfiguredModel();

  Expected<Bindings> createBindings(const std::map<std::string, MemoryView>& buffers);
  hailo_status waitForReady(std::chrono::milliseconds timeout, uint32_t frames);
  Expected<AsyncInferJob> run(const Bindings& bindings, Callback callback);
  Expected<AsyncInferJob> run(const std::vector<Bindings>& bindings, Callback callback);
  hailo_status schedule(const std::string& what, double value);
  hailo_status shutDown();
  Expected<LatencyMeasurementResult> latency();
  size_t queue() const { return configuration_.queue; }

 private:
  Expected<std::shared_ptr<standin::FrameBuffers>> bind(const Bindings& bindings) const;
  hailo_status start(const Bindings& bindings, std::function<void(hailo_status)> done);
  void finish(standin::FrameBuffers& frame, hailo_status status);

  /** Outlives the model: a frame that ends late finds nobody. Held while a frame's results are written. */
  struct Life {
    std::mutex mutex;
    StandinConfiguredModel* model;
  };

  void free();
  void end(standin::FrameBuffers& frame, hailo_status status, std::chrono::steady_clock::time_point startedAt);

  const standin::Network& network_;
  StandinConnection connection_;
  StandinConfiguration configuration_;
  std::shared_ptr<Life> life_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t inFlight_ = 0;
  std::chrono::nanoseconds latencySum_{};
  uint64_t latencyCount_ = 0;
};

}  // namespace hailort
