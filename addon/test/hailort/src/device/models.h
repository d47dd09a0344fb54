#pragma once

#include <functional>

#include "device/outbox.h"

namespace standin {

/** Creating, configuring and freeing vision models, and running their frames on the core. */
class Models {
 public:
  Models(Connections& connections, State& state, Outbox& outbox)
      : connections_(connections), state_(state), outbox_(outbox) {}

  void create(ConnectionId from, const Json& request);
  void configure(ConnectionId from, const Json& request);
  void destroyModel(ConnectionId from, const Json& request);
  void destroyConfigured(ConnectionId from, const Json& request);
  void schedule(ConnectionId from, const Json& request);
  void shutDown(ConnectionId from, const Json& request);
  void run(ConnectionId from, const Json& request);
  /** Frees what a client had. */
  void forget(ConnectionId connection);

  /** Gives the core its next frame when it is free. */
  void feed();
  /** Puts a generative model's step on the core; `done` is called after it. Any step of a model that is gone is lost.
   */
  void step(int coreModel, std::function<void()> done);

 private:
  void finish(const CoreRun& run);
  void finishJob(const CoreRun& run);
  void end(ConnectionId to, std::uint64_t job, int status);
  void abandon(int configured);
  void remove(int configured);

  Connections& connections_;
  State& state_;
  Outbox& outbox_;
  std::map<int, std::function<void()>> steps_;
};

}  // namespace standin
