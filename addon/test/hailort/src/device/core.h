#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "networks/network.h"

namespace standin {

/** Milliseconds on the device's clock. */
using Ms = double;

/** One frame that waits for the core: who sent it (a connection) and how that side calls it. */
struct Frame {
  std::uint64_t sender;
  std::uint64_t job;
  Ms arrivedAt = 0;
};

/** Which frame runs and how long it takes. */
struct CoreRun {
  int model;
  Frame frame;
  Ms duration;
  bool switched;
};

/**
 * The one neural-network core, as HailoRT's scheduler shares it: of the models that are ready, those of the highest
 * priority take turns; a model keeps the core for up to a burst of frames; taking another one costs time. A frame after
 * the first of a burst is cheaper, so that a burst of 8 takes what the vendor's figure for batch 8 says.
 */
class Core {
 public:
  explicit Core(Ms switchCost) : switchCost_(switchCost) {}

  /** `burst` 0: automatic, 8 frames. */
  int add(const Network& network, std::uint32_t burst);
  /** A model whose every frame takes `duration`: the steps of a generative model. */
  int add(Ms duration);
  void remove(int model);
  void setPriority(int model, int priority);
  void setThreshold(int model, std::uint32_t frames);
  void setTimeout(int model, Ms timeout);
  /** Multiplies every duration; 1 at full clock. */
  void setSlowdown(double factor) { slowdown_ = factor; }

  void push(int model, Frame frame, Ms now);
  /** Takes away the frames that wait for `model`, oldest first. */
  std::deque<Frame> drop(int model);
  /** The next frame; call it whenever the core is free. Nothing when none is ready. */
  std::optional<CoreRun> next(Ms now);
  /** When a model that waits for its threshold becomes ready by its timeout. */
  std::optional<Ms> nextReadyAt() const;

 private:
  struct Model {
    Ms first;
    Ms following;
    std::uint32_t burst;
    int priority = 16;
    std::uint32_t threshold = 1;
    Ms timeout = 0;
    std::deque<Frame> waiting{};

    bool ready(Ms now) const;
  };

  std::optional<int> choose(Ms now) const;

  std::map<int, Model> models_;
  Ms switchCost_;
  double slowdown_ = 1;
  int lastId_ = 0;
  int current_ = 0;
  std::uint32_t inBurst_ = 0;
};

}  // namespace standin
