#include "client/genai/conversation.h"
#include "hailo/genai/vlm/vlm.hpp"

namespace hailort::genai {

LLMParams::LLMParams(const std::string& hef_path, const std::string& lora_name, bool optimize_memory_on_device)
    : m_hef_path(hef_path), m_lora(lora_name), m_optimize_memory_on_device(optimize_memory_on_device) {}

hailo_status LLMParams::set_model(const std::string& hef_path, const std::string& lora_name) {
  m_hef_path = hef_path;
  m_lora = lora_name;
  if (hef_path == BUILTIN) return lora_name.empty() ? HAILO_INVALID_OPERATION : HAILO_SUCCESS;
  return checkPath(hef_path);
}

const std::string& LLMParams::hef() const {
  return m_hef_path;
}

const std::string& LLMParams::lora() const {
  return m_lora;
}

bool LLMParams::optimize_memory_on_device() const {
  return m_optimize_memory_on_device;
}

void LLMParams::set_optimize_memory_on_device(bool optimize_memory_on_device) {
  m_optimize_memory_on_device = optimize_memory_on_device;
}

hailo_status VLMParams::set_model(const std::string& hef_path) {
  m_hef_path = hef_path;
  return checkPath(hef_path);
}

const std::string& VLMParams::hef() const {
  return m_hef_path;
}

bool VLMParams::optimize_memory_on_device() const {
  return m_optimize_memory_on_device;
}

void VLMParams::set_optimize_memory_on_device(bool optimize_memory_on_device) {
  m_optimize_memory_on_device = optimize_memory_on_device;
}

// Setters take every value, as HailoRT's do: what is wrong shows when a generator is made.
hailo_status LLMGeneratorParams::set_temperature(float32_t temperature) {
  m_temperature = temperature;
  return HAILO_SUCCESS;
}

float32_t LLMGeneratorParams::temperature() const {
  return m_temperature;
}

hailo_status LLMGeneratorParams::set_top_p(float32_t top_p) {
  m_top_p = top_p;
  return HAILO_SUCCESS;
}

float32_t LLMGeneratorParams::top_p() const {
  return m_top_p;
}

hailo_status LLMGeneratorParams::set_top_k(uint32_t top_k) {
  m_top_k = top_k;
  return HAILO_SUCCESS;
}

uint32_t LLMGeneratorParams::top_k() const {
  return m_top_k;
}

hailo_status LLMGeneratorParams::set_frequency_penalty(float32_t frequency_penalty) {
  m_frequency_penalty = frequency_penalty;
  return HAILO_SUCCESS;
}

float32_t LLMGeneratorParams::frequency_penalty() const {
  return m_frequency_penalty;
}

hailo_status LLMGeneratorParams::set_max_generated_tokens(uint32_t max_generated_tokens) {
  m_max_generated_tokens = max_generated_tokens;
  return HAILO_SUCCESS;
}

uint32_t LLMGeneratorParams::max_generated_tokens() const {
  return m_max_generated_tokens;
}

hailo_status LLMGeneratorParams::set_do_sample(bool do_sample) {
  m_do_sample = do_sample;
  return HAILO_SUCCESS;
}

bool LLMGeneratorParams::do_sample() const {
  return m_do_sample;
}

hailo_status LLMGeneratorParams::set_seed(uint32_t seed) {
  m_seed = seed;
  return HAILO_SUCCESS;
}

uint32_t LLMGeneratorParams::seed() const {
  return m_seed;
}

LLMGeneratorParams defaultParams() {
  return LLMGeneratorParams(0.7f, 0.8f, 20, 1.1f, 2048, true, HAILO_RANDOM_SEED);
}

hailo_status checkParams(const LLMGeneratorParams& params) {
  const bool good = params.temperature() > 0 && params.top_p() >= 0 && params.top_p() <= 1 && params.top_k() >= 1 &&
                    params.frequency_penalty() != 0;
  return good ? HAILO_SUCCESS : HAILO_INVALID_ARGUMENT;
}

}  // namespace hailort::genai
