#include "backends/hailo/model.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "core/keep_forever.h"

namespace hailstream::hailo {
namespace {

constexpr std::chrono::seconds readyDeadline{10};
constexpr std::chrono::seconds closeDeadline{5};
/** Room for as many until the network has said its depth. */
constexpr std::size_t depthUnknown = 0;

struct Job {
  Inference inference;
  Told<Answer> told;
};

struct Arrival {
  std::size_t set;
  hailo_status status;
};

Error closedError() {
  return Error(ErrorCode::closed, "Expected an open model, received one that was closed");
}

Error brokenError() {
  return Error(ErrorCode::unavailable, "Expected a working model, received one that failed before: load it anew",
               DriverStatus{0, "", "recycle"});
}

}  // namespace

/** What the threads hand one another; outlives the model for completions that come late. */
struct Model::Mailbox {
  std::mutex lock;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::deque<Arrival> arrivals;
  std::vector<Told<std::monostate>> closers;
  /** Jobs and inferences that have not been answered. */
  std::size_t unanswered = 0;
  std::size_t depth = depthUnknown;
  std::atomic<std::uint8_t> priority = HAILO_SCHEDULER_PRIORITY_NORMAL;
  bool closing = false;
  bool ended = false;

  void arrive(Arrival arrival) {
    const std::lock_guard guard(lock);
    arrivals.push_back(arrival);
    changed.notify_all();
  }
};

/** The model's thread: the only one that calls the network. */
class Model::Worker {
 public:
  Worker(std::shared_ptr<Mailbox> mailbox, std::shared_ptr<Device> device)
      : mailbox_(std::move(mailbox)), device_(std::move(device)) {}

  void run(const NetworkOptions& options, Told<ModelFacts> told) {
    auto loaded = attempt([&] { return load(options); });
    if (std::holds_alternative<Error>(loaded)) closing();
    told(std::move(loaded));
    // It may hold the model, which would then never be let go.
    told = nullptr;
    while (step()) continue;
    end();
  }

 private:
  ModelFacts load(const NetworkOptions& options) {
    network_ = std::make_unique<Network>(device_->virtualDevice(), options);
    running_.resize(network_->depth());
    for (std::size_t i = network_->depth(); i > 0; i--) free_.push_back(i - 1);
    const std::lock_guard guard(mailbox_->lock);
    mailbox_->depth = network_->depth();
    return {network_->inputs(), network_->outputs(), network_->depth(), network_->unmapped()};
  }

  void closing() {
    const std::lock_guard guard(mailbox_->lock);
    mailbox_->closing = true;
  }

  /** Starting goes before decoding, so that the device does not wait for us. False when it is time to end. */
  bool step() {
    std::unique_lock guard(mailbox_->lock);
    mailbox_->changed.wait(guard, [&] { return mailbox_->closing || canStart() || !mailbox_->arrivals.empty(); });
    if (mailbox_->closing) return false;
    if (canStart()) {
      Job job = std::move(mailbox_->jobs.front());
      mailbox_->jobs.pop_front();
      guard.unlock();
      start(std::move(job));
    } else {
      const Arrival arrival = mailbox_->arrivals.front();
      mailbox_->arrivals.pop_front();
      guard.unlock();
      finish(arrival);
    }
    return true;
  }

  bool canStart() const { return !mailbox_->jobs.empty() && (!free_.empty() || broken_); }

  void tell(Job& job, Outcome<Answer> outcome) {
    {
      const std::lock_guard guard(mailbox_->lock);
      mailbox_->unanswered--;
    }
    job.told(std::move(outcome));
    job = Job{};
  }

  void start(Job job) {
    if (broken_) return tell(job, brokenError());
    const std::size_t set = free_.back();
    auto prepared = attempt([&] {
      prepare(job.inference, network_->set(set));
      return std::monostate();
    });
    if (const auto* error = std::get_if<Error>(&prepared)) return tell(job, *error);
    free_.pop_back();
    running_[set] = std::move(job);
    submit(set);
  }

  void prepare(Inference& inference, BufferSet& set) {
    const auto& inputs = network_->inputs();
    if (inference.inputs.size() != inputs.size())
      throw Error(ErrorCode::invalid, "Expected " + std::to_string(inputs.size()) + " inputs, received " +
                                          std::to_string(inference.inputs.size()));
    if (!inputs.empty()) {
      inference.question.options.inputHeight = static_cast<double>(inputs[0].shape[0]);
      inference.question.options.inputWidth = static_cast<double>(inputs[0].shape[1]);
    }
    checkQuestion(network_->outputs(), inference.question);
    for (std::size_t i = 0; i < inputs.size(); i++) fill(inputs[i], inference, i, set.input(i));
  }

  /** The first image's place in the source is the one that rows go back to. */
  static void fill(const Tensor& input, Inference& inference, std::size_t index, std::span<std::uint8_t> target) {
    if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&inference.inputs[index])) {
      if (bytes->size() != target.size())
        throw Error(ErrorCode::invalid, "Expected " + std::to_string(target.size()) + " bytes for " + input.name +
                                            ", received " + std::to_string(bytes->size()));
      std::ranges::copy(*bytes, target.begin());
      return;
    }
    auto fitted = std::get<FittedImage>(inference.inputs[index]);
    fitted.options.height = input.shape[0];
    fitted.options.width = input.shape[1];
    if (input.type != TensorType::uint8 || input.bytes != 3 * fitted.options.width * fitted.options.height)
      throw Error(ErrorCode::invalid, "Expected bytes for " + input.name + ", which is no uint8 picture of 3 channels");
    const Affine toSource = fit(fitted.image, fitted.options, target);
    if (index == 0) inference.question.options.toSource = toSource;
  }

  void submit(std::size_t set) {
    auto started = attempt([&] {
      network_->setPriority(mailbox_->priority);
      network_->start(
          set,
          [mailbox = mailbox_](std::size_t index, hailo_status status) {
            mailbox->arrive({index, status});
          },
          readyDeadline);
      inFlight_++;
      return std::monostate();
    });
    const auto* error = std::get_if<Error>(&started);
    if (error == nullptr) return;
    // A run_async that fails has shut the whole model down, and its set may have been handed over already: it stays
    // out.
    broken_ = true;
    noteLoss(*error);
    tell(running_[set], *error);
  }

  void noteLoss(const Error& error) {
    if (error.driver() && std::string_view(error.driver()->reaction) == "recycle") device_->markBroken();
  }

  void finish(const Arrival& arrival) {
    inFlight_--;
    Job& job = running_[arrival.set];
    if (arrival.status != HAILO_SUCCESS) {
      const Error error = errorOf(arrival.status, "an inference to complete");
      broken_ = broken_ || meansLost(arrival.status);
      noteLoss(error);
      free_.push_back(arrival.set);
      return tell(job, error);
    }
    auto outcome = attempt([&] { return decode(arrival.set, job.inference.question); });
    free_.push_back(arrival.set);
    tell(job, std::move(outcome));
  }

  Answer decode(std::size_t set, const Question& question) {
    std::vector<std::span<const std::uint8_t>> frames;
    for (std::size_t i = 0; i < network_->outputs().size(); i++) frames.push_back(network_->set(set).output(i));
    return answer(network_->outputs(), frames, question);
  }

  /** Nothing is freed while a transfer may still write. */
  void end() {
    if (network_ && inFlight_ > 0) {
      // What fails here has failed before; the completions decide.
      attempt([&] {
        network_->cancelAll();
        return std::monostate();
      });
      awaitCompletions();
    }
    if (inFlight_ > 0) {
      device_->markBroken();
      keepForever(std::move(network_));
    }
    network_.reset();
    device_.reset();
    tellTheRest();
  }

  void awaitCompletions() {
    const auto deadline = std::chrono::steady_clock::now() + closeDeadline;
    std::unique_lock guard(mailbox_->lock);
    while (inFlight_ > 0) {
      if (!mailbox_->changed.wait_until(guard, deadline, [&] { return !mailbox_->arrivals.empty(); })) return;
      inFlight_ -= mailbox_->arrivals.size();
      mailbox_->arrivals.clear();
    }
  }

  void tellTheRest() {
    std::deque<Job> jobs;
    std::vector<Told<std::monostate>> closers;
    {
      const std::lock_guard guard(mailbox_->lock);
      jobs.swap(mailbox_->jobs);
    }
    for (auto& job : running_) {
      if (job.told) tell(job, closedError());
    }
    for (auto& job : jobs) tell(job, closedError());
    {
      const std::lock_guard guard(mailbox_->lock);
      closers.swap(mailbox_->closers);
      mailbox_->ended = true;
      mailbox_->changed.notify_all();
    }
    for (const auto& closer : closers) closer(std::monostate());
  }

  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<Device> device_;
  std::unique_ptr<Network> network_;
  std::vector<Job> running_;
  std::vector<std::size_t> free_;
  std::size_t inFlight_ = 0;
  bool broken_ = false;
};

Model::Model(std::shared_ptr<Device> device, NetworkOptions options, Told<ModelFacts> told)
    : mailbox_(std::make_shared<Mailbox>()) {
  std::thread thread(
      [mailbox = mailbox_, device = std::move(device), options = std::move(options), told = std::move(told)]() mutable {
        Worker(mailbox, std::move(device)).run(options, std::move(told));
      });
  pthread_setname_np(thread.native_handle(), "hailo-model");
  thread.detach();
}

Model::~Model() {
  const std::lock_guard guard(mailbox_->lock);
  mailbox_->closing = true;
  mailbox_->changed.notify_all();
}

void Model::infer(Inference inference, Told<Answer> told) {
  const std::lock_guard guard(mailbox_->lock);
  if (mailbox_->closing) throw closedError();
  if (mailbox_->unanswered >= mailbox_->depth)
    throw Error(ErrorCode::busy, "Expected at most " + std::to_string(mailbox_->depth) +
                                     " inferences of one model under way, received one more");
  mailbox_->unanswered++;
  mailbox_->jobs.push_back({std::move(inference), std::move(told)});
  mailbox_->changed.notify_all();
}

void Model::setPriority(std::uint8_t priority) {
  mailbox_->priority = priority;
}

void Model::close(Told<std::monostate> told) {
  {
    const std::lock_guard guard(mailbox_->lock);
    if (!mailbox_->ended) {
      mailbox_->closers.push_back(std::move(told));
      mailbox_->closing = true;
      mailbox_->changed.notify_all();
      return;
    }
  }
  told(std::monostate());
}

bool Model::waitForEnd(std::chrono::milliseconds deadline) {
  std::unique_lock guard(mailbox_->lock);
  return mailbox_->changed.wait_for(guard, deadline, [&] { return mailbox_->ended; });
}

}  // namespace hailstream::hailo
