#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "check.h"
#include "device_process.h"
#include "scenes.h"

using namespace hailort;
using namespace std::chrono_literals;

namespace {

void startDetached(Runner& runner, std::function<void(hailo_status)> done) {
  require(runner.configured.wait_for_async_ready(20s), "wait_for_async_ready");
  auto job = runner.configured.run_async(
      runner.bindings, [done](const AsyncInferCompletionInfo& completion) { done(completion.status); });
  require(job.status(), "run_async");
  job->detach();
}

/** A runner whose input is bound to `canvas`. */
void bind(Runner& runner, Canvas& canvas) {
  require(runner.bindings.input()->set_buffer(canvas.view()), "set_buffer");
}

}  // namespace

TEST("delivers every callback on one thread, which is not the caller's") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner first(*device, "yolov6n");
  Runner second(*device, "yolov8n");
  Canvas canvas(640, 640);
  bind(first, canvas);
  bind(second, canvas);
  std::mutex mutex;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 6; i++) {
    startDetached(i % 2 == 0 ? first : second, [&](hailo_status) {
      const std::lock_guard lock(mutex);
      threads.push_back(std::this_thread::get_id());
    });
  }
  check::isTrue(eventually([&] {
                  const std::lock_guard lock(mutex);
                  return threads.size() == 6;
                }),
                "all callbacks came");
  for (const auto& thread : threads) {
    check::isTrue(thread == threads[0], "one thread");
    check::isTrue(thread != std::this_thread::get_id(), "not the caller's");
  }
}

TEST("takes as many frames as its queue is deep, and lets one wait for a place") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8m");
  Canvas canvas(640, 640);
  bind(runner, canvas);
  const auto depth = static_cast<std::uint32_t>(runner.configured.get_async_queue_size().value());
  check::equals(depth, 4u);
  check::equals(runner.configured.wait_for_async_ready(50ms, depth + 1), HAILO_TIMEOUT);
  process.control(R"({"control":"hang"})");
  std::atomic<int> done = 0;
  for (std::uint32_t i = 0; i < depth; i++) startDetached(runner, [&](hailo_status) { done++; });
  check::equals(runner.configured.wait_for_async_ready(50ms), HAILO_TIMEOUT);
  process.control(R"({"control":"resume"})");
  check::equals(runner.configured.wait_for_async_ready(20s, depth), HAILO_SUCCESS);
  check::isTrue(eventually([&] { return done == static_cast<int>(depth); }), "all frames ended");
}

TEST("blocks in the destructor of a job that nobody detached or waited for") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov8m");
  Canvas canvas(640, 640);
  bind(runner, canvas);
  std::atomic<bool> done = false;
  {
    auto job = runner.configured.run_async(runner.bindings, [&](const AsyncInferCompletionInfo&) { done = true; });
    require(job.status(), "run_async");
  }
  check::isTrue(done, "the frame ended before its job was gone");
}

TEST("ends a batch with one callback for all its frames") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  bind(runner, canvas);
  std::atomic<int> calls = 0;
  auto job = runner.configured.run_async(std::vector{runner.bindings, runner.bindings, runner.bindings},
                                         [&](const AsyncInferCompletionInfo&) { calls++; });
  require(job.status(), "run_async");
  check::equals(job->wait(20s), HAILO_SUCCESS);
  check::equals(calls.load(), 1);
  check::equals(process.state()["jobs"].integer(), std::int64_t{3});
}

TEST("counts copies of memory that is not aligned, and memory that is not mapped") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  canvas.rectangle(0, 100, 100, 200, 200);
  runner.run(canvas);
  check::equals(process.state()["transientMaps"].integer(), std::int64_t{2});
  auto input =
      DmaMappedBuffer::create(*device, canvas.view().data(), canvas.view().size(), HAILO_DMA_BUFFER_DIRECTION_H2D);
  auto output = DmaMappedBuffer::create(*device, runner.outputs[0]->data(), runner.outputs[0]->size(),
                                        HAILO_DMA_BUFFER_DIRECTION_D2H);
  require(input.status(), "DmaMappedBuffer::create");
  runner.run(canvas);
  check::equals(process.state()["transientMaps"].integer(), std::int64_t{2});
  check::equals(device->dma_map(canvas.view().data(), 10, HAILO_DMA_BUFFER_DIRECTION_H2D),
                HAILO_DMA_MAPPING_ALREADY_EXISTS);
  const auto expected = runner.outputs[0]->to_string();
  std::vector<std::uint8_t> loose(runner.outputs[0]->size() + 1);
  require(runner.bindings.output()->set_buffer(MemoryView(loose.data() + 1, loose.size() - 1)), "set_buffer");
  runner.run(canvas);
  check::equals(process.state()["bounced"].integer(), std::int64_t{1});
  check::isTrue(std::equal(expected.begin(), expected.end(), reinterpret_cast<char*>(loose.data() + 1)),
                "the same answer through the copy");
}

TEST("takes a picture by planes and by descriptor") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  hailo_pix_buffer_t planes{};
  planes.number_of_planes = 1;
  planes.memory_type = HAILO_PIX_BUFFER_MEMORY_TYPE_USERPTR;
  planes.planes[0].user_ptr = canvas.view().data();
  planes.planes[0].bytes_used = static_cast<std::uint32_t>(canvas.view().size());
  require(runner.bindings.input()->set_pix_buffer(planes), "set_pix_buffer");
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_SUCCESS);
  const int fd = ::memfd_create("frame", MFD_CLOEXEC);
  const auto size = canvas.view().size();
  check::equals(::ftruncate(fd, static_cast<off_t>(size)), 0);
  require(runner.bindings.input()->set_dma_buffer({fd, size}), "set_dma_buffer");
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_SUCCESS);
  require(runner.bindings.input()->set_dma_buffer({-1, size}), "set_dma_buffer");
  ::close(fd);
  Runner other(*device, "yolov6n");
  other.bindings = runner.bindings;
  check::equals(other.configured.run(other.bindings, 20s), HAILO_INVALID_ARGUMENT);
  require(runner.bindings.input()->set_pix_buffer(planes), "set_pix_buffer");
  check::equals(runner.bindings.output()->set_pix_buffer(planes), HAILO_SUCCESS);
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_NOT_SUPPORTED);
}

TEST("checks sizes and formats, and shuts a model down whose run failed") {
  const DeviceProcess process;
  const auto device = openShared();
  auto model = device->create_infer_model(hefOf("yolov8s_pose")).release();
  for (auto output : model->outputs()) output.set_format_type(HAILO_FORMAT_TYPE_UINT8);
  check::equals(model->configure().status(), HAILO_INVALID_ARGUMENT);
  Runner runner(*device, "yolov6n");
  Canvas small(320, 320);
  bind(runner, small);
  check::equals(runner.configured.run_async(runner.bindings).status(), HAILO_INVALID_OPERATION);
  Canvas whole(640, 640);
  bind(runner, whole);
  check::equals(runner.configured.run(runner.bindings, 20s), HAILO_INTERNAL_FAILURE);
  Runner again(*device, "yolov6n");
  again.run(whole);
}

TEST("refuses a model whose streams do not fit one request, which nine outputs with long names do") {
  const DeviceProcess process;
  const auto device = openShared();
  const auto large = device->create_infer_model(hefOf("too_many_outputs")).release();
  check::equals(large->outputs().size(), std::size_t{20});
  check::equals(large->configure().status(), HAILO_INTERNAL_FAILURE);
  check::equals(device->create_infer_model(hefOf("yolov8m_pose")).value()->configure().status(), HAILO_SUCCESS);
}

TEST("ends the frames of a model that is freed") {
  const DeviceProcess process;
  const auto device = openShared();
  Canvas canvas(640, 640);
  std::atomic<int> ended = 0;
  std::vector<BufferPtr> outputs;
  {
    Runner runner(*device, "yolov8m");
    bind(runner, canvas);
    outputs = runner.outputs;
    for (int i = 0; i < 3; i++) startDetached(runner, [&](hailo_status) { ended++; });
  }
  check::isTrue(eventually([&] { return ended == 3; }), "all of them");
}

TEST("frees a model's memory with its last handle") {
  const DeviceProcess process;
  const auto device = openShared();
  const auto used = [&] {
    return device->get_physical_devices().value()[0].get().query_performance_stats()->ram_size_used;
  };
  const auto before = used();
  {
    Runner runner(*device, "clip_resnet_50x4_image_encoder");
    check::isTrue(used() > before + 100 * 1024, "a resident model takes memory");
  }
  check::equals(used(), before);
}

TEST("fails without harm when its device went first") {
  const DeviceProcess process;
  auto device = openShared();
  Runner runner(*device, "yolov6n");
  Canvas canvas(640, 640);
  bind(runner, canvas);
  device.reset();
  check::equals(runner.configured.run_async(runner.bindings).status(), HAILO_INTERNAL_FAILURE);
  check::equals(runner.configured.set_scheduler_priority(3), HAILO_INTERNAL_FAILURE);
}

TEST("takes scheduler settings, and refuses a priority that is none") {
  const DeviceProcess process;
  const auto device = openShared();
  Runner runner(*device, "yolov6n", [](InferModel& model) { model.set_batch_size(8); });
  check::equals(runner.configured.get_async_queue_size().value(), std::size_t{16});
  check::equals(runner.configured.set_scheduler_priority(HAILO_SCHEDULER_PRIORITY_MAX), HAILO_SUCCESS);
  check::equals(runner.configured.set_scheduler_priority(32), HAILO_INVALID_ARGUMENT);
  check::equals(runner.configured.set_scheduler_timeout(5ms), HAILO_SUCCESS);
  check::equals(runner.configured.set_scheduler_threshold(2), HAILO_SUCCESS);
}
