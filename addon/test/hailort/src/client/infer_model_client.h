#pragma once

#include "client/link.h"
#include "client/stream_settings.h"
#include "client/vdevice_client.h"
#include "hailo/infer_model.hpp"

namespace hailort {

/** What a model keeps of its device. It does not keep the device alive. */
struct StandinConnection {
  std::weak_ptr<standin::Link> link;
  std::shared_ptr<Mappings> mappings;
  std::shared_ptr<FaultedRuns> faults;
};

class InferModel::InferStream::Impl {
 public:
  standin::StreamSettings settings;
};

class StandinInferModel : public InferModel {
 public:
  StandinInferModel(Hef hef, StandinConnection connection, int handle);
  ~StandinInferModel() override;

  const Hef& hef() const override { return hef_; }
  void set_batch_size(uint16_t batch_size) override { batch_ = batch_size; }
  void set_power_mode(hailo_power_mode_t) override {}
  void set_hw_latency_measurement_flags(hailo_latency_measurement_flags_t latency) override {
    measures_ = (latency & HAILO_LATENCY_MEASURE) != 0;
  }
  Expected<ConfiguredInferModel> configure() override;
  Expected<InferStream> input() override;
  Expected<InferStream> output() override;
  Expected<InferStream> input(const std::string& name) override;
  Expected<InferStream> output(const std::string& name) override;
  const std::vector<InferStream>& inputs() const override { return inputs_; }
  const std::vector<InferStream>& outputs() const override { return outputs_; }
  const std::vector<std::string>& get_input_names() const override { return inputNames_; }
  const std::vector<std::string>& get_output_names() const override { return outputNames_; }

 private:
  std::vector<standin::StreamSettings> settingsOf(const std::vector<InferStream>& streams) const;

  Hef hef_;
  StandinConnection connection_;
  int handle_;
  uint16_t batch_ = HAILO_DEFAULT_BATCH_SIZE;
  bool measures_ = false;
  std::vector<InferStream> inputs_;
  std::vector<InferStream> outputs_;
  std::vector<std::string> inputNames_;
  std::vector<std::string> outputNames_;
};

}  // namespace hailort
