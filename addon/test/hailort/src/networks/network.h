#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace standin {

struct Shape {
  std::uint32_t height;
  std::uint32_t width;
  std::uint32_t features;

  std::size_t size() const { return static_cast<std::size_t>(height) * width * features; }
};

enum class Type { uint8, uint16 };

/** How an output's values lie in the network; `user` formats are made from it. */
enum class Order { nhwc, nc, nmsByClass, nmsWithByteMask };

/** real = (q - zeroPoint) * scale. */
struct Quantisation {
  float zeroPoint = 0;
  float scale = 1;
};

struct Nms {
  std::uint32_t classes;
  std::uint32_t maxPerClass;
};

struct Stream {
  std::string name;
  Shape shape;
  Type type = Type::uint8;
  Order order = Order::nhwc;
  Quantisation quantisation;
  Nms nms{};
};

/** What a network's outputs are made by: one file in heads/ each. */
enum class Head {
  nms,
  dflDetect,
  dflPose,
  dflSegment,
  dflRotated,
  anchorSegment,
  scrfd,
  embedding,
  identity,
  depth,
  stereo,
  textMap,
  textRead,
  classify,
  semantic,
  lanes,
  superResolution,
  generative,
};

/** What runs on the device's generative side, with the vendor's figures. */
struct Generative {
  enum class Kind { none, llm, vlm, speech } kind = Kind::none;
  double loadSeconds = 0;
  double firstTokenSeconds = 0;
  double tokensPerSecond = 0;
};

/** One compiled model of the catalogue, as the device and the library know it. */
struct Network {
  std::string name;
  Head head;
  std::vector<Stream> inputs;
  std::vector<Stream> outputs;
  /** The vendor's frames per second at batch 1 and 8. */
  double fps1;
  double fps8;
  std::uint64_t hefBytes;
  /** What it takes of the device's memory without its frames. Estimates: the vendor gives none. */
  std::uint64_t residentKib;
  Generative generative;
};

/** All networks, in no order that matters. */
std::span<const Network> networks();

/** Nothing when there is none of that name. */
const Network* findNetwork(std::string_view name);

}  // namespace standin
