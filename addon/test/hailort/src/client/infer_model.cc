#include "client/configured_model.h"
#include "client/environment.h"
#include "client/hef_impl.h"
#include "client/infer_model_client.h"
#include "hailo/hailort_common.hpp"

namespace hailort {
namespace {

using standin::Json;
using standin::StreamSettings;

std::vector<std::string> namesOf(const std::vector<InferModel::InferStream>& streams) {
  std::vector<std::string> names;
  for (const auto& stream : streams) names.push_back(stream.name());
  return names;
}

Expected<InferModel::InferStream> only(const std::vector<InferModel::InferStream>& streams) {
  if (streams.size() != 1) return make_unexpected(HAILO_INVALID_OPERATION);
  return InferModel::InferStream(streams[0]);
}

Expected<InferModel::InferStream> named(const std::vector<InferModel::InferStream>& streams, const std::string& name) {
  for (const auto& stream : streams) {
    if (stream.name() == name) return InferModel::InferStream(stream);
  }
  return make_unexpected(HAILO_NOT_FOUND);
}

const standin::Network& networkOf(const Hef& hef) {
  return *standin::findNetwork(hef.get_network_groups_names()[0]);
}

}  // namespace

StandinInferModel::StandinInferModel(Hef hef, StandinConnection connection, int handle)
    : hef_(std::move(hef)), connection_(std::move(connection)), handle_(handle) {
  const auto& network = networkOf(hef_);
  const auto add = [&](std::vector<InferStream>& to, const standin::Stream& stream,
                       hailo_stream_direction_t direction) {
    const auto described = standin::describe(network, stream, direction);
    to.push_back(InferStream(
        std::make_shared<InferStream::Impl>(InferStream::Impl{StreamSettings{&stream, described, described.format}})));
  };
  for (const auto& stream : network.inputs) add(inputs_, stream, HAILO_H2D_STREAM);
  for (const auto& stream : network.outputs) add(outputs_, stream, HAILO_D2H_STREAM);
  inputNames_ = namesOf(inputs_);
  outputNames_ = namesOf(outputs_);
}

StandinInferModel::~StandinInferModel() {
  const auto link = connection_.link.lock();
  if (!link) return;
  const auto freed = link->request(Json::Object{{"do", "destroy-model"}, {"model", handle_}});
  if (!freed) standin::logCritical("Failed to destroy infer model, status " + std::to_string(freed.status()));
}

std::vector<StreamSettings> StandinInferModel::settingsOf(const std::vector<InferStream>& streams) const {
  std::vector<StreamSettings> all;
  for (const auto& stream : streams) all.push_back(stream.m_pimpl->settings);
  return all;
}

Expected<ConfiguredInferModel> StandinInferModel::configure() {
  const auto inputs = settingsOf(inputs_);
  const auto outputs = settingsOf(outputs_);
  size_t bytes = 0;
  for (const auto& settings : inputs) {
    bytes += settings.frameBytes();
    if (const auto status = settings.check(HAILO_H2D_STREAM); status != HAILO_SUCCESS) return make_unexpected(status);
  }
  for (const auto& settings : outputs) {
    bytes += settings.frameBytes();
    if (const auto status = settings.check(HAILO_D2H_STREAM); status != HAILO_SUCCESS) return make_unexpected(status);
  }
  if (const auto status = standin::checkRequestSize(inputs, outputs); status != HAILO_SUCCESS)
    return make_unexpected(status);
  const auto link = connection_.link.lock();
  if (!link) return make_unexpected(HAILO_INTERNAL_FAILURE);
  const auto answer = link->request(
      Json::Object{{"do", "configure"}, {"model", handle_}, {"batch", static_cast<int>(batch_)}, {"frameBytes", bytes}},
      standin::longTimeout());
  if (!answer) return make_unexpected(answer.status());
  return ConfiguredInferModel(std::make_shared<StandinConfiguredModel>(
      networkOf(hef_), connection_,
      StandinConfiguration{static_cast<int>((*answer)["configured"].integer()),
                           static_cast<uint32_t>((*answer)["queue"].integer()), inputs, outputs, measures_}));
}

Expected<InferModel::InferStream> StandinInferModel::input() {
  return only(inputs_);
}

Expected<InferModel::InferStream> StandinInferModel::output() {
  return only(outputs_);
}

Expected<InferModel::InferStream> StandinInferModel::input(const std::string& name) {
  return named(inputs_, name);
}

Expected<InferModel::InferStream> StandinInferModel::output(const std::string& name) {
  return named(outputs_, name);
}

InferModel::InferStream::InferStream(std::shared_ptr<Impl> pimpl) : m_pimpl(std::move(pimpl)) {}

const std::string InferModel::InferStream::name() const {
  return m_pimpl->settings.described.name;
}

hailo_3d_image_shape_t InferModel::InferStream::shape() const {
  return m_pimpl->settings.described.shape;
}

hailo_format_t InferModel::InferStream::format() const {
  return m_pimpl->settings.format;
}

size_t InferModel::InferStream::get_frame_size() const {
  return m_pimpl->settings.frameBytes();
}

Expected<hailo_nms_shape_t> InferModel::InferStream::get_nms_shape() const {
  if (!is_nms()) return make_unexpected(HAILO_INVALID_OPERATION);
  return hailo_nms_shape_t(m_pimpl->settings.described.nms_shape);
}

void InferModel::InferStream::set_format_type(hailo_format_type_t type) {
  auto& settings = m_pimpl->settings;
  settings.format.type = type == HAILO_FORMAT_TYPE_AUTO ? settings.described.format.type : type;
}

void InferModel::InferStream::set_format_order(hailo_format_order_t order) {
  auto& settings = m_pimpl->settings;
  settings.format.order = order == HAILO_FORMAT_ORDER_AUTO ? settings.described.format.order : order;
}

std::vector<hailo_quant_info_t> InferModel::InferStream::get_quant_infos() const {
  return {m_pimpl->settings.described.quant_info};
}

bool InferModel::InferStream::is_nms() const {
  return HailoRTCommon::is_nms(m_pimpl->settings.described.format.order);
}

void InferModel::InferStream::set_nms_score_threshold(float32_t threshold) {
  m_pimpl->settings.minScore = threshold;
}

// Things of one colour never overlap here, so that nothing is left to suppress.
void InferModel::InferStream::set_nms_iou_threshold(float32_t) {}

void InferModel::InferStream::set_nms_max_proposals_per_class(uint32_t max_proposals_per_class) {
  m_pimpl->settings.described.nms_shape.max_bboxes_per_class = max_proposals_per_class;
}

void InferModel::InferStream::set_nms_max_proposals_total(uint32_t max_proposals_total) {
  m_pimpl->settings.described.nms_shape.max_bboxes_total = max_proposals_total;
}

void InferModel::InferStream::set_nms_max_accumulated_mask_size(uint32_t max_accumulated_mask_size) {
  m_pimpl->settings.described.nms_shape.max_accumulated_mask_size = max_accumulated_mask_size;
}

}  // namespace hailort
