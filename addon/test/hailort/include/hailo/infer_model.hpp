#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "hailo/hef.hpp"
#include "hailo/network_group.hpp"
#include "hailo/vdevice.hpp"

namespace hailort {

class StandinJob;
class StandinConfiguredModel;
class StandinInferModel;

/** Its destructor waits for the job, up to 10 s, unless it was detached or waited for. */
class HAILORTAPI AsyncInferJob {
 public:
  AsyncInferJob() = default;
  virtual ~AsyncInferJob();
  AsyncInferJob(const AsyncInferJob&) = delete;
  AsyncInferJob& operator=(const AsyncInferJob&) = delete;
  AsyncInferJob(AsyncInferJob&& other);
  AsyncInferJob& operator=(AsyncInferJob&& other);
  hailo_status wait(std::chrono::milliseconds timeout);
  void detach();

 private:
  friend class ConfiguredInferModel;
  friend class StandinConfiguredModel;
  AsyncInferJob(std::shared_ptr<StandinJob> job);
  std::shared_ptr<StandinJob> m_job;
  bool m_should_wait_in_dtor = false;
};

struct AsyncInferCompletionInfo;
static const auto ASYNC_INFER_EMPTY_CALLBACK = [](const AsyncInferCompletionInfo&) {};

/** A handle; copies name the same model, which lives until the last of them is gone. */
class HAILORTAPI ConfiguredInferModel {
 public:
  ConfiguredInferModel() = default;

  class HAILORTAPI Bindings {
   public:
    Bindings() = default;
    Bindings(const Bindings& other);
    Bindings& operator=(const Bindings& other);

    class HAILORTAPI InferStream {
     public:
      hailo_status set_buffer(MemoryView view);
      Expected<MemoryView> get_buffer() const;
      hailo_status set_pix_buffer(const hailo_pix_buffer_t& pix_buffer);
      Expected<hailo_pix_buffer_t> get_pix_buffer() const;
      hailo_status set_dma_buffer(hailo_dma_buffer_t dma_buffer);
      Expected<hailo_dma_buffer_t> get_dma_buffer() const;

     private:
      friend class Bindings;
      friend class hailort::StandinConfiguredModel;
      class Impl;
      InferStream(std::shared_ptr<Impl> pimpl);
      std::shared_ptr<Impl> m_pimpl;
    };

    Expected<InferStream> input();
    Expected<InferStream> output();
    Expected<InferStream> input(const std::string& name);
    Expected<InferStream> output(const std::string& name);
    Expected<InferStream> input() const;
    Expected<InferStream> output() const;
    Expected<InferStream> input(const std::string& name) const;
    Expected<InferStream> output(const std::string& name) const;

   private:
    friend class hailort::StandinConfiguredModel;
    std::unordered_map<std::string, InferStream> m_inputs;
    std::unordered_map<std::string, InferStream> m_outputs;
  };

  Expected<Bindings> create_bindings();
  Expected<Bindings> create_bindings(const std::map<std::string, MemoryView>& buffers);
  hailo_status wait_for_async_ready(std::chrono::milliseconds timeout, uint32_t frames_count = 1);
  hailo_status activate();
  hailo_status deactivate();
  hailo_status run(const Bindings& bindings, std::chrono::milliseconds timeout);
  Expected<AsyncInferJob> run_async(
      const Bindings& bindings,
      std::function<void(const AsyncInferCompletionInfo&)> callback = ASYNC_INFER_EMPTY_CALLBACK);
  Expected<AsyncInferJob> run_async(
      const std::vector<Bindings>& bindings,
      std::function<void(const AsyncInferCompletionInfo&)> callback = ASYNC_INFER_EMPTY_CALLBACK);
  Expected<LatencyMeasurementResult> get_hw_latency_measurement();
  hailo_status set_scheduler_timeout(const std::chrono::milliseconds& timeout);
  hailo_status set_scheduler_threshold(uint32_t threshold);
  hailo_status set_scheduler_priority(uint8_t priority);
  Expected<size_t> get_async_queue_size() const;
  hailo_status shutdown();

 private:
  friend class StandinInferModel;
  ConfiguredInferModel(std::shared_ptr<StandinConfiguredModel> model);
  std::shared_ptr<StandinConfiguredModel> m_model;
};

struct HAILORTAPI AsyncInferCompletionInfo {
  AsyncInferCompletionInfo(hailo_status _status) : status(_status) {}
  hailo_status status;
};

class HAILORTAPI InferModel {
 public:
  virtual ~InferModel() = default;

  class HAILORTAPI InferStream {
   public:
    const std::string name() const;
    hailo_3d_image_shape_t shape() const;
    hailo_format_t format() const;
    size_t get_frame_size() const;
    Expected<hailo_nms_shape_t> get_nms_shape() const;
    void set_format_type(hailo_format_type_t type);
    void set_format_order(hailo_format_order_t order);
    std::vector<hailo_quant_info_t> get_quant_infos() const;
    bool is_nms() const;
    void set_nms_score_threshold(float32_t threshold);
    void set_nms_iou_threshold(float32_t threshold);
    void set_nms_max_proposals_per_class(uint32_t max_proposals_per_class);
    void set_nms_max_proposals_total(uint32_t max_proposals_total);
    void set_nms_max_accumulated_mask_size(uint32_t max_accumulated_mask_size);

   private:
    friend class StandinInferModel;
    class Impl;
    InferStream(std::shared_ptr<Impl> pimpl);
    std::shared_ptr<Impl> m_pimpl;
  };

  virtual const Hef& hef() const = 0;
  virtual void set_batch_size(uint16_t batch_size) = 0;
  virtual void set_power_mode(hailo_power_mode_t power_mode) = 0;
  virtual void set_hw_latency_measurement_flags(hailo_latency_measurement_flags_t latency) = 0;
  virtual Expected<ConfiguredInferModel> configure() = 0;
  virtual Expected<InferStream> input() = 0;
  virtual Expected<InferStream> output() = 0;
  virtual Expected<InferStream> input(const std::string& name) = 0;
  virtual Expected<InferStream> output(const std::string& name) = 0;
  virtual const std::vector<InferStream>& inputs() const = 0;
  virtual const std::vector<InferStream>& outputs() const = 0;
  virtual const std::vector<std::string>& get_input_names() const = 0;
  virtual const std::vector<std::string>& get_output_names() const = 0;
};

}  // namespace hailort
