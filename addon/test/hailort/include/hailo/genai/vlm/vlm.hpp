#pragma once

#include "hailo/genai/llm/llm.hpp"

namespace hailort {
namespace genai {

class HAILORTAPI VLMParams {
 public:
  VLMParams() = default;
  VLMParams(const std::string& hef_path, bool optimize_memory_on_device = false)
      : m_hef_path(hef_path), m_optimize_memory_on_device(optimize_memory_on_device) {}
  hailo_status set_model(const std::string& hef_path);
  const std::string& hef() const;
  bool optimize_memory_on_device() const;
  void set_optimize_memory_on_device(bool optimize_memory_on_device);

 private:
  std::string m_hef_path;
  bool m_optimize_memory_on_device = false;
};

class HAILORTAPI VLMGenerator {
 public:
  VLMGenerator(VLMGenerator&& other);
  VLMGenerator& operator=(VLMGenerator&&) = delete;
  VLMGenerator(const VLMGenerator&) = delete;
  VLMGenerator& operator=(const VLMGenerator&) = delete;
  virtual ~VLMGenerator();
  /** The size of a frame is not checked: one that is too short is read past its end, as far as its bytes go. */
  Expected<LLMGeneratorCompletion> generate(const std::string& prompt, const std::vector<MemoryView>& input_frames,
                                            const std::vector<std::vector<MemoryView>>& input_videos = {});
  Expected<LLMGeneratorCompletion> generate(const std::vector<std::string>& messages_json_strings,
                                            const std::vector<MemoryView>& input_frames,
                                            const std::vector<std::vector<MemoryView>>& input_videos = {});

  class Impl;
  VLMGenerator(std::shared_ptr<Impl> pimpl);

 private:
  std::shared_ptr<Impl> m_pimpl;
};

class HAILORTAPI VLM {
 public:
  static Expected<VLM> create(std::shared_ptr<VDevice> vdevice, const VLMParams& vlm_params);
  Expected<LLMGeneratorParams> create_generator_params();
  Expected<VLMGenerator> create_generator(const LLMGeneratorParams& params);
  Expected<VLMGenerator> create_generator();
  Expected<LLMGeneratorCompletion> generate(const std::vector<std::string>& messages_json_strings,
                                            const std::vector<MemoryView>& input_frames,
                                            const std::vector<std::vector<MemoryView>>& input_videos = {});
  Expected<LLMGeneratorCompletion> generate(const LLMGeneratorParams& params,
                                            const std::vector<std::string>& messages_json_strings,
                                            const std::vector<MemoryView>& input_frames,
                                            const std::vector<std::vector<MemoryView>>& input_videos = {});
  Expected<std::vector<int>> tokenize(const std::string& prompt);
  Expected<size_t> get_context_usage_size();
  Expected<size_t> max_context_capacity();
  hailo_status clear_context();
  Expected<BufferPtr> save_context();
  hailo_status load_context(const MemoryView& context);
  hailo_status set_generation_recovery_sequence(const std::string& sequence);
  Expected<std::string> get_generation_recovery_sequence();
  Expected<std::string> prompt_template();
  hailo_status set_stop_tokens(const std::vector<std::string>& stop_tokens);
  Expected<std::vector<std::string>> get_stop_tokens();
  uint32_t input_frame_size() const;
  const hailo_3d_image_shape_t& input_frame_shape() const;
  const hailo_format_type_t& input_frame_format_type() const;
  const hailo_format_order_t& input_frame_format_order() const;

  VLM(VLM&&);
  VLM& operator=(VLM&&) = delete;
  VLM(const VLM&) = delete;
  VLM& operator=(const VLM&) = delete;
  virtual ~VLM();

  class Impl;
  VLM(std::unique_ptr<Impl> pimpl);

 private:
  std::unique_ptr<Impl> m_pimpl;
};

}  // namespace genai
}  // namespace hailort
