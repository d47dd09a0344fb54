#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hailo/hailort.hpp"

/**
 * The least that a program can do with HailoRT, as a peer for benchmarks: grey frames with a red thing go into networks
 * at the rates of cameras, or as fast as they are taken, and nobody looks at what comes out.
 *
 *   hailort-standin-loop SECONDS FILE.hef FRAMES_PER_SECOND [FILE.hef FRAMES_PER_SECOND]…     (0: as fast as it goes)
 *
 * Prints one JSON object: completed frames a second of each, in their order, and processor seconds.
 */
namespace {

using namespace hailort;
using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::milliseconds(5000);

[[noreturn]] void fail(const std::string& what, hailo_status status) {
  std::fprintf(stderr, "Expected %s, received %s\n", what.c_str(), hailo_get_status_message(status));
  std::exit(1);
}

template <typename T>
T take(Expected<T> expected, const std::string& what) {
  if (!expected) fail(what, expected.status());
  return expected.release();
}

struct Free {
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};
using Bytes = std::unique_ptr<std::uint8_t[], Free>;

Bytes allocate(std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return Bytes(static_cast<std::uint8_t*>(std::aligned_alloc(page, (size + page - 1) / page * page)));
}

/** RGB rows, grey with a red rectangle in the middle. */
void draw(std::uint8_t* pixels, std::size_t bytes, std::size_t width) {
  std::memset(pixels, 114, bytes);
  const std::size_t height = bytes / 3 / width;
  for (std::size_t y = height / 4; y < height / 2; ++y)
    for (std::size_t x = width / 4; x < width / 2; ++x) {
      pixels[(y * width + x) * 3] = 255;
      pixels[(y * width + x) * 3 + 1] = pixels[(y * width + x) * 3 + 2] = 0;
    }
}

struct Lane {
  std::shared_ptr<InferModel> model;
  ConfiguredInferModel configured;
  double rate;
  std::vector<ConfiguredInferModel::Bindings> bindings;
  std::vector<Bytes> buffers;
  std::vector<DmaMappedBuffer> mapped;
  std::atomic<std::size_t> done{0};

  Lane(VDevice& device, const std::string& path, double framesPerSecond)
      : model(take(device.create_infer_model(path), "a network in " + path)),
        configured(take(model->configure(), "it to be configured")),
        rate(framesPerSecond) {
    const auto depth = take(configured.get_async_queue_size(), "the depth of its queue");
    for (std::size_t i = 0; i < depth; ++i) bindings.push_back(bind(device));
  }

  ConfiguredInferModel::Bindings bind(VDevice& device) {
    auto bound = take(configured.create_bindings(), "bindings");
    const auto add = [&](const InferModel::InferStream& stream, hailo_dma_buffer_direction_t direction) {
      const std::size_t size = stream.get_frame_size();
      buffers.push_back(allocate(size));
      mapped.push_back(take(DmaMappedBuffer::create(device, buffers.back().get(), size, direction), "a mapping"));
      return MemoryView(buffers.back().get(), size);
    };
    for (const auto& input : model->inputs()) {
      const auto view = add(input, HAILO_DMA_BUFFER_DIRECTION_H2D);
      draw(buffers.back().get(), view.size(), input.shape().width);
      bound.input(input.name())->set_buffer(view);
    }
    for (const auto& output : model->outputs())
      bound.output(output.name())->set_buffer(add(output, HAILO_DMA_BUFFER_DIRECTION_D2H));
    return bound;
  }

  void run(Clock::time_point end) {
    std::size_t next = 0;
    for (auto due = Clock::now(); due < end;) {
      if (configured.wait_for_async_ready(patience, 1) != HAILO_SUCCESS) fail("a free place", HAILO_TIMEOUT);
      auto job = take(
          configured.run_async(bindings[next++ % bindings.size()], [this](const AsyncInferCompletionInfo&) { ++done; }),
          "an inference to start");
      job.detach();
      const auto now = Clock::now();
      if (rate > 0) due += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
      // As of a camera: frames that come while all places are taken are lost.
      if (rate <= 0 || due < now) due = now;
      std::this_thread::sleep_until(due);
    }
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 4 || count % 2 != 0) {
    std::fputs("hailort-standin-loop SECONDS FILE.hef FRAMES_PER_SECOND [FILE.hef FRAMES_PER_SECOND]…\n", stderr);
    return 2;
  }
  const std::string group = "SHARED";
  hailo_vdevice_params_t params = HailoRTDefaults::get_vdevice_params();
  params.group_id = group.c_str();
  const auto device = take(VDevice::create_shared(params), "a device");
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 2; i + 1 < count; i += 2)
    lanes.push_back(std::make_unique<Lane>(*device, arguments[i], std::atof(arguments[i + 1])));
  const double seconds = std::atof(arguments[1]);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  for (auto& lane : lanes) threads.emplace_back([&lane, end] { lane->run(end); });
  for (auto& thread : threads) thread.join();
  std::printf("{\"rates\":[");
  for (std::size_t i = 0; i < lanes.size(); ++i)
    std::printf("%s%.3f", i == 0 ? "" : ",", static_cast<double>(lanes[i]->done) / seconds);
  std::printf("],\"cpuSeconds\":%.3f}\n", static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
  std::fflush(stdout);
  for (auto& lane : lanes) lane->configured.shutdown();
  return 0;
}
