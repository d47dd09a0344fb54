#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "backends/hailo/status.h"
#include "kernels/dequantise.h"
#include "kernels/hailo_nms.h"

namespace hailstream::hailo {

enum class TensorType { uint8, uint16, float32 };

/** A stream of a network, as its buffers hold it. */
struct Tensor {
  std::string name;
  TensorType type;
  /** HailoRT's name of its order, `NHWC` for instance. */
  const char* order;
  /** height, width, features; of an NMS output classes, most boxes, 0. */
  std::vector<std::size_t> shape;
  /** Bytes of a frame: what the device writes or reads, exactly. */
  std::size_t bytes;
  /** One for the tensor or one per feature; empty where the values are real already. */
  std::vector<Quantisation> quantisation;
  std::optional<HailoNmsShape> nms;
};

/** Which types the outputs come in. `compact` leaves large ones quantised, which keeps the bus free; `real` is float32.
 */
enum class OutputTypes { compact, real };

/**
 * Sets the formats of every stream, before configure(): images as uint8 NHWC, boxes as their layout demands, raw
 * outputs quantised when they are large and their quantisation is known, otherwise float32.
 */
void chooseFormats(hailort::InferModel& model, OutputTypes types);

std::vector<Tensor> describeInputs(const hailort::InferModel& model);
std::vector<Tensor> describeOutputs(const hailort::InferModel& model);

/** `uint8`, as engine/native/hailo.ts spells it. */
const char* spell(TensorType type);

}  // namespace hailstream::hailo
