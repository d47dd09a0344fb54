#include "device/models.h"

#include <algorithm>

namespace standin {
namespace {

constexpr int success = 0;
constexpr int invalidArgument = 2;
constexpr int internalFailure = 8;
constexpr int streamAbort = 63;
constexpr int queueIsFull = 82;
constexpr int hefNotSupported = 92;
constexpr int outOfMemory = 81;

/** Frames that a configured model takes at once with an automatic batch. */
constexpr std::uint32_t defaultQueue = 4;
constexpr std::uint32_t maxQueue = 32;

/** Observed on a device: 0.32 s for a HEF of 12 MB, 3.0 s for two of 142 MB together. */
constexpr Ms loadBase = 80;
constexpr Ms loadPerMib = 20;
constexpr Ms configureTime = 20;

}  // namespace

void Models::create(ConnectionId from, const Json& request) {
  state_.counters.hefBytes += static_cast<std::uint64_t>(request["bytes"].integer());
  const Network* network = findNetwork(request["network"].string());
  if (network == nullptr || network->generative.kind != Generative::Kind::none)
    return outbox_.reply(from, request, hefNotSupported);
  const std::uint64_t kib = network->hefBytes / 1024;
  if (state_.usedKib() + kib > state_.settings.memoryKib) return outbox_.reply(from, request, outOfMemory);
  const int id = ++state_.lastModel;
  state_.models[id] = {from, network, kib};
  const Ms time = loadBase + loadPerMib * static_cast<double>(network->hefBytes) / (1024 * 1024);
  connections_.after(time / state_.settings.speed, [this, from, request, id] {
    outbox_.reply(from, request, success, Json::Object{{"model", id}});
  });
}

void Models::configure(ConnectionId from, const Json& request) {
  const int model = static_cast<int>(request["model"].integer());
  const auto found = state_.models.find(model);
  if (found == state_.models.end() || found->second.owner != from) return outbox_.reply(from, request, invalidArgument);
  const auto batch = static_cast<std::uint32_t>(request["batch"].integer());
  const std::uint32_t queue = std::clamp(2 * batch, defaultQueue, maxQueue);
  const auto frameKib = static_cast<std::uint64_t>(request["frameBytes"].integer()) / 1024;
  const Network& network = *found->second.network;
  const std::uint64_t kib =
      network.residentKib - std::min(network.residentKib, network.hefBytes / 1024) + 2 * queue * frameKib;
  if (const int status = state_.admit(kib); status != success) return outbox_.reply(from, request, status);
  const int id = state_.core.add(network, batch);
  state_.configured[id] = {from, model, kib, queue};
  connections_.after(configureTime / state_.settings.speed, [this, from, request, id, queue] {
    outbox_.reply(from, request, success, Json::Object{{"configured", id}, {"queue", queue}});
  });
}

void Models::destroyModel(ConnectionId from, const Json& request) {
  const auto found = state_.models.find(static_cast<int>(request["model"].integer()));
  if (found != state_.models.end() && found->second.owner == from) state_.models.erase(found);
  outbox_.reply(from, request, success);
}

void Models::destroyConfigured(ConnectionId from, const Json& request) {
  const int id = static_cast<int>(request["configured"].integer());
  const auto found = state_.configured.find(id);
  if (found != state_.configured.end() && found->second.owner == from) {
    abandon(id);
    remove(id);
  }
  outbox_.reply(from, request, success);
}

void Models::schedule(ConnectionId from, const Json& request) {
  const int id = static_cast<int>(request["configured"].integer());
  if (!state_.configured.contains(id)) return outbox_.reply(from, request, invalidArgument);
  const auto value = request["value"].integer();
  const auto what = request["what"].string();
  if (what == "priority" && (value < 0 || value > 31)) return outbox_.reply(from, request, invalidArgument);
  if (what == "priority") state_.core.setPriority(id, static_cast<int>(value));
  if (what == "threshold") state_.core.setThreshold(id, static_cast<std::uint32_t>(value));
  if (what == "timeout") state_.core.setTimeout(id, static_cast<Ms>(value));
  outbox_.reply(from, request, success);
}

void Models::shutDown(ConnectionId from, const Json& request) {
  const int id = static_cast<int>(request["configured"].integer());
  const auto found = state_.configured.find(id);
  if (found != state_.configured.end()) {
    found->second.shutDown = true;
    abandon(id);
  }
  outbox_.reply(from, request, success);
}

void Models::run(ConnectionId from, const Json& request) {
  const int id = static_cast<int>(request["configured"].integer());
  const auto job = static_cast<std::uint64_t>(request["job"].integer());
  state_.counters.bounced += static_cast<std::uint64_t>(request["bounced"].integer());
  state_.counters.transientMaps += static_cast<std::uint64_t>(request["mapped"].integer());
  const auto found = state_.configured.find(id);
  if (found == state_.configured.end() || found->second.shutDown) return end(from, job, internalFailure);
  if (found->second.inFlight >= found->second.queue) return end(from, job, queueIsFull);
  found->second.inFlight++;
  state_.core.push(id, {from, job}, connections_.now());
  feed();
}

void Models::step(int coreModel, std::function<void()> done) {
  steps_[coreModel] = std::move(done);
  state_.core.push(coreModel, {0, 0}, connections_.now());
  feed();
}

void Models::feed() {
  if (state_.coreBusy) return;
  const auto run = state_.core.next(connections_.now());
  if (!run) {
    // Frames below their threshold are looked at again when their time is over.
    if (const auto at = state_.core.nextReadyAt())
      connections_.after(std::max(0.0, *at - connections_.now()), [this] { feed(); });
    return;
  }
  state_.coreBusy = true;
  state_.running = run->frame;
  state_.runningModel = run->model;
  state_.counters.coreBusy += run->duration;
  state_.counters.switches += run->switched ? 1 : 0;
  connections_.after(run->duration, [this, run] { finish(*run); });
}

void Models::finish(const CoreRun& run) {
  state_.coreBusy = false;
  const bool abandoned = !state_.running;
  // First the next frame: the core does not wait for what is done with a result.
  feed();
  if (run.frame.sender != 0) return abandoned ? void() : finishJob(run);
  const auto found = steps_.find(run.model);
  if (found == steps_.end()) return;
  const auto done = std::move(found->second);
  steps_.erase(found);
  done();
}

void Models::finishJob(const CoreRun& run) {
  const auto found = state_.configured.find(run.model);
  if (found == state_.configured.end()) return;
  if (found->second.inFlight > 0) found->second.inFlight--;
  state_.counters.jobs++;
  int status = success;
  if (state_.faults.failJobAfter && (*state_.faults.failJobAfter)-- == 0) {
    state_.faults.failJobAfter.reset();
    status = state_.faults.failJobStatus;
  }
  end(run.frame.sender, run.frame.job, status);
}

void Models::end(ConnectionId to, std::uint64_t job, int status) {
  if (status != success) state_.counters.failedJobs++;
  outbox_.event(to, Json::Object{{"done", job}, {"status", status}});
}

void Models::abandon(int configured) {
  auto& model = state_.configured.at(configured);
  for (const auto& frame : state_.core.drop(configured)) {
    if (model.inFlight > 0) model.inFlight--;
    end(frame.sender, frame.job, streamAbort);
  }
  if (!state_.running || state_.runningModel != configured) return;
  // The core cannot stop in the middle of a frame, but nobody waits for this one any more.
  if (model.inFlight > 0) model.inFlight--;
  end(state_.running->sender, state_.running->job, streamAbort);
  state_.running.reset();
}

void Models::remove(int configured) {
  state_.core.remove(configured);
  state_.configured.erase(configured);
}

void Models::forget(ConnectionId connection) {
  std::vector<int> gone;
  for (const auto& [id, model] : state_.configured) {
    if (model.owner == connection) gone.push_back(id);
  }
  for (const int id : gone) remove(id);
  std::erase_if(state_.models, [connection](const auto& entry) { return entry.second.owner == connection; });
}

}  // namespace standin
