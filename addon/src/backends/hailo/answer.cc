#include "backends/hailo/answer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/mask_runs.h"

namespace hailstream::hailo {
namespace {

using Frame = std::span<const std::uint8_t>;

constexpr const char* nmsKernel = "hailo-nms";
constexpr const char* masksKernel = "hailo-masks";
constexpr const char* tensorKernel = "hailo-tensor";
constexpr const char* mapKernel = "hailo-map";

bool isOwnKernel(const std::string& kernel) {
  return kernel == nmsKernel || kernel == masksKernel || kernel == tensorKernel || kernel == mapKernel;
}

std::size_t valuesOf(const Tensor& tensor) {
  return tensor.shape[0] * tensor.shape[1] * tensor.shape[2];
}

template <typename Value>
void dequantiseFrame(const Tensor& tensor, Frame frame, std::span<float> target) {
  const std::span values(reinterpret_cast<const Value*>(frame.data()), target.size());
  dequantise(values, tensor.quantisation, target);
}

/** The tensor as floats, in the order in which it came. */
std::vector<float> toFloats(const Tensor& tensor, Frame frame) {
  std::vector<float> values(valuesOf(tensor));
  const std::size_t size = tensor.type == TensorType::uint8 ? 1 : tensor.type == TensorType::uint16 ? 2 : 4;
  if (frame.size() < values.size() * size)
    throw Error(ErrorCode::internal, "Expected from the device " + std::to_string(values.size() * size) + " bytes of " +
                                         tensor.name + ", received " + std::to_string(frame.size()));
  if (tensor.type == TensorType::float32)
    std::memcpy(values.data(), frame.data(), values.size() * size);
  else if (tensor.quantisation.empty())
    throw Error(ErrorCode::internal, "Expected " + tensor.name + " to say its quantisation, received none");
  else if (tensor.type == TensorType::uint8)
    dequantiseFrame<std::uint8_t>(tensor, frame, values);
  else
    dequantiseFrame<std::uint16_t>(tensor, frame, values);
  return values;
}

/** Masks are shares of 1. */
std::optional<Map> mapOf(const MaskSheet& masks) {
  if (!masks.isWanted()) return std::nullopt;
  return Map{masks.width(), masks.height(), 1, TensorType::uint8, masks.bytesUsed(), {0, 1.0f / 255}};
}

/** Rows and their masks as they were asked for: runs, a map, or none. */
template <typename DecodeInto>
Answer withMasks(const Question& question, DecodeInto decodeInto) {
  const auto& options = question.options;
  if (question.runs) {
    auto [rows, runs] = decodeRuns(options, decodeInto);
    return {std::move(rows), options.toSource, std::nullopt, std::move(runs)};
  }
  MaskSheet masks(question.map);
  auto rows = decodeInto(masks);
  return {std::move(rows), options.toSource, mapOf(masks)};
}

Answer answerByKernel(const std::vector<Tensor>& outputs, const std::vector<Frame>& frames, const Question& question) {
  std::vector<std::vector<float>> values;
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < outputs.size(); i++) {
    const auto& shape = outputs[i].shape;
    const auto& floats = values.emplace_back(toFloats(outputs[i], frames[i]));
    views.push_back({floats, {1, shape[0], shape[1], shape[2]}});
  }
  const auto& options = question.options;
  const Kernel& kernel = findKernel(question.kernel);
  if (kernel.decodeMasks == nullptr) return {kernel.decode(views, options), options.toSource, std::nullopt};
  return withMasks(question, [&](MaskSheet& masks) { return kernel.decodeMasks(views, options, masks); });
}

Answer answerMasks(const Tensor& output, Frame frame, const Question& question) {
  return withMasks(question,
                   [&](MaskSheet& masks) { return decodeHailoMasks(frame, *output.nms, question.options, masks); });
}

Answer answerMap(const Tensor& output, Frame frame, const Question& question) {
  std::ranges::copy(frame, question.map.begin());
  const auto quantisation = output.quantisation.empty() ? Quantisation{0, 1} : output.quantisation[0];
  const auto& shape = output.shape;
  return {{}, question.options.toSource, Map{shape[1], shape[0], shape[2], output.type, frame.size(), quantisation}};
}

[[noreturn]] void reject(ErrorCode code, const std::string& expected, const std::vector<Tensor>& outputs) {
  std::string received;
  for (const auto& output : outputs)
    received += (received.empty() ? "" : ", ") + output.name + " " + shapeText(output.shape) + " " + output.order;
  throw Error(code, "Expected " + expected + ", received " + received);
}

void checkRoom(const std::vector<Tensor>& outputs, const Question& question, std::size_t bytes) {
  if (question.map.size() < bytes)
    reject(ErrorCode::tooLarge, "room for a map of " + std::to_string(bytes) + " bytes", outputs);
}

bool wantsBoxes(const std::string& kernel) {
  return kernel == nmsKernel || kernel == masksKernel;
}

/** A map or runs that nobody would write must not be asked for. */
void checkMap(const std::vector<Tensor>& outputs, const Question& question) {
  if (question.runs && (!question.map.empty() || question.kernel == mapKernel))
    reject(ErrorCode::invalid, "masks either as a map or as runs", outputs);
  if (question.map.empty() && !question.runs) return;
  if (question.kernel == mapKernel || question.kernel == masksKernel) return;
  if (isOwnKernel(question.kernel) || findKernel(question.kernel).decodeMasks == nullptr)
    reject(ErrorCode::invalid, "no map or runs for " + question.kernel + ", which has none", outputs);
}

void checkOwnKernel(const std::vector<Tensor>& outputs, const Question& question) {
  const auto& kernel = question.kernel;
  if (outputs.size() != 1 || outputs[0].nms.has_value() != wantsBoxes(kernel))
    reject(ErrorCode::invalid, "for " + kernel + (wantsBoxes(kernel) ? " one output of boxes" : " one raw output"),
           outputs);
  if (kernel == masksKernel && !hasMasks(outputs[0].nms->layout))
    reject(ErrorCode::invalid, "for hailo-masks boxes with byte masks", outputs);
  if (kernel != mapKernel) return;
  if (outputs[0].quantisation.size() > 1)
    reject(ErrorCode::invalid, "for hailo-map an output with one quantisation", outputs);
  checkRoom(outputs, question, outputs[0].bytes);
}

}  // namespace

void checkQuestion(const std::vector<Tensor>& outputs, const Question& question) {
  checkMap(outputs, question);
  if (isOwnKernel(question.kernel)) return checkOwnKernel(outputs, question);
  findKernel(question.kernel);
  if (std::ranges::any_of(outputs, [](const Tensor& output) { return output.nms.has_value(); }))
    reject(ErrorCode::invalid, "for " + question.kernel + " raw outputs", outputs);
}

Answer answer(const std::vector<Tensor>& outputs, const std::vector<Frame>& frames, const Question& question) {
  if (question.kernel == nmsKernel)
    return {decodeHailoNms(frames[0], *outputs[0].nms, question.options), question.options.toSource, std::nullopt};
  if (question.kernel == masksKernel) return answerMasks(outputs[0], frames[0], question);
  if (question.kernel == mapKernel) return answerMap(outputs[0], frames[0], question);
  if (question.kernel == tensorKernel)
    return {toFloats(outputs[0], frames[0]), question.options.toSource, std::nullopt};
  return answerByKernel(outputs, frames, question);
}

}  // namespace hailstream::hailo
