#include <cstddef>
#include <type_traits>

#include "hailo/hailort.hpp"

/**
 * Uses everything that the stand-in declares, and states its layouts. It is only compiled: against the stand-in by the
 * tests, and against HailoRT's own headers wherever somebody has them, which shows that neither can tell the other.
 */
namespace {

using namespace hailort;
using namespace std::chrono_literals;

static_assert(sizeof(hailo_bbox_t) == 10 && sizeof(hailo_bbox_float32_t) == 20 && sizeof(hailo_rectangle_t) == 16);
static_assert(sizeof(hailo_detection_t) == 22 && sizeof(hailo_detection_with_byte_mask_t) == 46);
static_assert(offsetof(hailo_detection_with_byte_mask_t, mask_size) == 22);
static_assert(offsetof(hailo_detection_with_byte_mask_t, mask_offset) == 38);
static_assert(offsetof(hailo_detections_t, detections) == 2);
static_assert(sizeof(hailo_vdevice_params_t) == 40 && offsetof(hailo_vdevice_params_t, group_id) == 24);
static_assert(sizeof(hailo_quant_info_t) == 16 && sizeof(hailo_3d_image_shape_t) == 12);
static_assert(sizeof(hailo_nms_shape_t) == 16 && sizeof(hailo_format_t) == 12);
static_assert(sizeof(hailo_vstream_info_t) == 433 + 3);
static_assert(sizeof(hailo_pix_buffer_t) == 80 && sizeof(hailo_dma_buffer_t) == 16);
static_assert(sizeof(hailo_device_identity_t) == 140 && sizeof(hailo_extended_device_information_t) == 96);
static_assert(sizeof(hailo_performance_stats_t) == 32 && sizeof(hailo_health_stats_t) == 12);
static_assert(sizeof(hailo_notification_t) == 28 && offsetof(hailo_notification_t, body) == 8);
static_assert(sizeof(hailo_chip_temperature_info_t) == 12 && sizeof(hailo_power_measurement_data_t) == 20);
static_assert(HAILO_STATUS_COUNT == 98 && HAILO_OUT_OF_HOST_CMA_MEMORY == 81 && HAILO_CONNECTION_REFUSED == 89);
static_assert(HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE == 23 && HAILO_ARCH_HAILO10H == 6);
static_assert(HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT == 14 && HAILO_THROTTLING_STATE_OVERHEAT == 6);
static_assert(!std::is_move_assignable_v<genai::LLM> && std::is_move_constructible_v<genai::LLM>);
static_assert(!std::is_copy_constructible_v<genai::VLM> && std::is_move_constructible_v<genai::Speech2Text>);
static_assert(!std::is_default_constructible_v<genai::LLMGeneratorParams>);
static_assert(std::is_move_assignable_v<AsyncInferJob> && std::is_move_assignable_v<DmaMappedBuffer>);
static_assert(!std::is_copy_constructible_v<DmaMappedBuffer> && std::is_copy_constructible_v<ConfiguredInferModel>);

[[maybe_unused]] hailo_status useDevice(Device& device) {
  hailo_version_t version{};
  hailo_get_library_version(&version);
  const char* text = hailo_get_status_message(HAILO_TIMEOUT);
  auto ids = Device::scan();
  auto own = Device::create();
  auto named = Device::create(ids.value().front());
  const bool equal = Device::device_ids_equal("a", "b") && Device::get_device_type("a").value() == Device::Type::PCIE;
  std::vector<std::uint8_t> log(device.get_max_logs_size(HAILO_LOG_TYPE__RUNTIME).value());
  device.fetch_logs(MemoryView(log.data(), log.size()), HAILO_LOG_TYPE__SYSTEM_CONTROL);
  const hailo_device_identity_t identity = device.identify().release();
  device.get_extended_device_information();
  device.power_measurement(HAILO_DVM_OPTIONS_AUTO, HAILO_POWER_MEASUREMENT_TYPES__POWER);
  device.set_power_measurement(HAILO_MEASUREMENT_BUFFER_INDEX_0, HAILO_DVM_OPTIONS_AUTO,
                               HAILO_POWER_MEASUREMENT_TYPES__POWER);
  device.start_power_measurement(HAILO_AVERAGE_FACTOR_256, HAILO_SAMPLING_PERIOD_1100US);
  device.get_power_measurement(HAILO_MEASUREMENT_BUFFER_INDEX_0, true);
  device.stop_power_measurement();
  const float celsius =
      device.get_chip_temperature()->ts0_temperature + device.query_health_stats()->on_die_temperature;
  const std::int64_t used = device.query_performance_stats()->ram_size_used;
  device.reset(HAILO_RESET_DEVICE_MODE_REBOOT);
  device.get_architecture();
  device.get_capabilities();
  device.set_notification_callback(
      [](Device&, const hailo_notification_t& notification, void*) {
        [[maybe_unused]] const int state = notification.body.throttling_state_change.new_state;
        [[maybe_unused]] const float hot =
            notification.body.health_monitor_temperature_alarm_notification.ts1_temperature;
      },
      HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM);
  const bool known = text != nullptr && equal && identity.device_architecture == HAILO_ARCH_HAILO10H && celsius > 0 &&
                     used > 0 && device.get_dev_id() != nullptr && device.get_type() == Device::Type::PCIE;
  return known ? device.remove_notification_callback(HAILO_NOTIFICATION_ID_NN_CORE_CRC_ERROR_EVENT) : HAILO_NOT_FOUND;
}

[[maybe_unused]] Expected<std::shared_ptr<VDevice>> openDevice(hailo_device_id_t& id, const std::string& group) {
  hailo_vdevice_params_t params = HailoRTDefaults::get_vdevice_params();
  params.device_count = 1;
  params.device_ids = &id;
  params.group_id = group.c_str();
  params.scheduling_algorithm = HAILO_SCHEDULING_ALGORITHM_ROUND_ROBIN;
  params.multi_process_service = false;
  VDevice::create(params);
  VDevice::create();
  VDevice::create_shared();
  VDevice::create_shared(std::vector<std::string>{"0001:01:00.0"});
  return VDevice::create_shared(params);
}

[[maybe_unused]] void setStreams(InferModel& model) {
  for (auto& stream : model.outputs()) {
    InferModel::InferStream copy = stream;
    copy.set_format_type(HAILO_FORMAT_TYPE_UINT16);
    copy.set_format_order(HAILO_FORMAT_ORDER_NHWC);
    if (!copy.is_nms()) continue;
    copy.set_nms_score_threshold(0.3f);
    copy.set_nms_iou_threshold(0.6f);
    copy.set_nms_max_proposals_per_class(50);
    copy.set_nms_max_proposals_total(100);
    copy.set_nms_max_accumulated_mask_size(1 << 20);
    [[maybe_unused]] const hailo_nms_shape_t shape = copy.get_nms_shape().release();
  }
  const auto input = model.input().release();
  [[maybe_unused]] const std::size_t bytes = input.get_frame_size() + input.shape().features + input.name().size() +
                                             model.input("a").value().get_quant_infos().size() +
                                             model.output("b")->format().type + model.output()->shape().width;
  model.set_batch_size(8);
  model.set_power_mode(HAILO_POWER_MODE_ULTRA_PERFORMANCE);
  model.set_hw_latency_measurement_flags(HAILO_LATENCY_MEASURE);
}

[[maybe_unused]] hailo_status runModel(VDevice& device, const std::vector<std::uint8_t>& bytes) {
  device.create_infer_model(MemoryView::create_const(bytes.data(), bytes.size()));
  device.create_infer_model(Buffer::create_shared(bytes.data(), bytes.size()).release());
  device.create_infer_model(Hef::create(std::string("a.hef")).release());
  std::shared_ptr<InferModel> model = device.create_infer_model("a.hef", "name").expect("a model");
  [[maybe_unused]] const auto archs = model->hef().get_compatible_device_archs();
  setStreams(*model);
  ConfiguredInferModel configured = model->configure().release();
  const std::size_t depth = configured.get_async_queue_size().release();
  configured.set_scheduler_timeout(10ms);
  configured.set_scheduler_threshold(2);
  configured.set_scheduler_priority(HAILO_SCHEDULER_PRIORITY_NORMAL + 1);
  auto memory = Buffer::create_shared(4096, BufferStorageParams::create_dma()).release();
  auto mapped = DmaMappedBuffer::create(device, memory->data(), memory->size(), HAILO_DMA_BUFFER_DIRECTION_D2H);
  device.dma_map(memory->data(), memory->size(), HAILO_DMA_BUFFER_DIRECTION_H2D);
  device.dma_unmap(memory->data(), memory->size(), HAILO_DMA_BUFFER_DIRECTION_H2D);
  ConfiguredInferModel::Bindings bindings = configured.create_bindings({{"in", MemoryView(*memory)}}).release();
  bindings.input()->set_buffer(MemoryView(memory->data(), memory->size()));
  hailo_pix_buffer_t planes{};
  planes.number_of_planes = NUMBER_OF_PLANES_NV12_NV21;
  planes.memory_type = HAILO_PIX_BUFFER_MEMORY_TYPE_USERPTR;
  planes.planes[0].user_ptr = memory->data();
  bindings.input("in")->set_pix_buffer(planes);
  bindings.output("out")->set_dma_buffer({3, 4096});
  if (configured.wait_for_async_ready(1s, static_cast<std::uint32_t>(depth)) != HAILO_SUCCESS) return HAILO_TIMEOUT;
  Expected<AsyncInferJob> job =
      configured.run_async(bindings, [](const AsyncInferCompletionInfo& completion) { (void)completion.status; });
  if (job) job->detach();
  AsyncInferJob last = configured.run_async(std::vector{bindings, bindings}).release();
  last = AsyncInferJob();
  last.wait(100ms);
  [[maybe_unused]] const auto latency = configured.get_hw_latency_measurement()->avg_hw_latency;
  device.get_physical_devices().value().front().get().identify();
  device.get_physical_devices_ids();
  configured.run(bindings, 1s);
  return configured.shutdown();
}

[[maybe_unused]] hailo_status talk(std::shared_ptr<VDevice> device) {
  genai::LLMParams params("a.hef");
  params.set_model("b.hef", "");
  genai::LLM llm = genai::LLM::create(device, params).release();
  genai::LLMGeneratorParams sampling = llm.create_generator_params().release();
  sampling.set_temperature(0.7f);
  sampling.set_top_p(0.9f);
  sampling.set_top_k(20);
  sampling.set_frequency_penalty(1.1f);
  sampling.set_max_generated_tokens(64);
  sampling.set_do_sample(true);
  sampling.set_seed(HAILO_RANDOM_SEED);
  auto generator = llm.create_generator(sampling).release();
  generator.write(std::vector<std::string>{R"({"role":"user","content":"hello"})"}, {});
  genai::LLMGeneratorCompletion completion = generator.generate().release();
  while (completion.generation_status() == genai::LLMGeneratorCompletion::Status::GENERATING) {
    Expected<std::string> token = completion.read(genai::LLMGeneratorCompletion::DEFAULT_READ_TIMEOUT);
    if (!token) return token.status();
  }
  completion.read_all();
  completion.abort();
  llm.set_generation_recovery_sequence("<|im_end|>");
  llm.get_generation_recovery_sequence();
  llm.set_stop_tokens({"."});
  llm.get_stop_tokens();
  llm.prompt_template();
  llm.tokenize("hello");
  BufferPtr saved = llm.save_context().release();
  llm.load_context(MemoryView(saved));
  llm.clear_context();
  return llm.get_context_usage_size().value() < llm.max_context_capacity().value() ? HAILO_SUCCESS : HAILO_NOT_FOUND;
}

[[maybe_unused]] void seeAndHear(std::shared_ptr<VDevice> device, std::vector<std::uint8_t>& frame,
                                 std::vector<float>& audio) {
  genai::VLM vlm = genai::VLM::create(device, genai::VLMParams("a.hef")).release();
  [[maybe_unused]] const bool fits = vlm.input_frame_size() == frame.size() && vlm.input_frame_shape().features == 3 &&
                                     vlm.input_frame_format_type() == HAILO_FORMAT_TYPE_UINT8 &&
                                     vlm.input_frame_format_order() == HAILO_FORMAT_ORDER_NHWC;
  auto generator = vlm.create_generator().release();
  generator.generate(std::vector<std::string>{"{}"}, {MemoryView(frame.data(), frame.size())});
  generator.generate(std::string("hello"), {}, {});
  vlm.generate({"{}"}, {});
  genai::Speech2Text whisper = genai::Speech2Text::create(device, genai::Speech2TextParams("a.hef")).release();
  genai::Speech2TextGeneratorParams params = whisper.create_generator_params().release();
  params.set_task(genai::Speech2TextTask::TRANSLATE);
  params.set_language("en");
  params.set_repetition_penalty(1.2f);
  const MemoryView sound(audio.data(), audio.size() * sizeof(float));
  whisper.generate_all_text(sound, params, 10s);
  for (const auto& segment : whisper.generate_all_segments(sound).release())
    [[maybe_unused]] const float length = segment.end_sec - segment.start_sec + static_cast<float>(segment.text.size());
  whisper.tokenize("hello");
}

}  // namespace
