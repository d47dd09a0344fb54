#include "kernels/nms.h"

#include <limits>

#include "check.h"

using namespace hailstream;

namespace {

DecodeOptions wideOptions() {
  DecodeOptions options;
  options.inputWidth = options.inputHeight = options.sourceWidth = options.sourceHeight = 1000;
  return options;
}

Detection detection(Box box, float score, std::uint32_t label = 0, std::uint32_t place = 0) {
  return {box, {score, label, place}};
}

}  // namespace

TEST("measures the overlap of boxes by hand-computed areas") {
  check::isNear(overlap({0, 0, 10, 10}, {0, 0, 10, 10}), 1, 0);
  check::isNear(overlap({0, 0, 10, 10}, {5, 0, 15, 10}), 1.0 / 3, 1e-6);
  check::isNear(overlap({0, 0, 10, 10}, {10, 0, 20, 10}), 0, 0);
  check::isNear(overlap({0, 0, 0, 0}, {0, 0, 0, 0}), 0, 0);
}

TEST("keeps one of identical boxes, and the first of them") {
  const Box box{10, 10, 50, 50};
  const auto kept = suppress({detection(box, 0.5f, 0, 1), detection(box, 0.5f, 0, 2)}, wideOptions());
  check::equals(kept.size(), 1u);
  check::equals(kept[0].candidate.place, 1u);
}

TEST("keeps identical boxes of different classes") {
  const Box box{10, 10, 50, 50};
  check::equals(suppress({detection(box, 0.9f, 0), detection(box, 0.5f, 1)}, wideOptions()).size(), 2u);
}

TEST("keeps boxes that overlap by just the limit") {
  auto options = wideOptions();
  options.iou = overlap({0, 0, 10, 10}, {5, 0, 15, 10});
  const std::vector<Detection> pair = {detection({0, 0, 10, 10}, 0.9f), detection({5, 0, 15, 10}, 0.8f)};
  check::equals(suppress(pair, options).size(), 2u);
  options.iou -= 0.01f;
  check::equals(suppress(pair, options).size(), 1u);
}

TEST("does not let a suppressed box suppress another") {
  const auto kept =
      suppress({detection({0, 0, 10, 10}, 0.9f), detection({4, 0, 14, 10}, 0.8f), detection({8, 0, 18, 10}, 0.7f)}, [] {
        auto options = wideOptions();
        options.iou = 0.3f;
        return options;
      }());
  check::equals(kept.size(), 2u);
  check::equals(kept[1].box.x1, 8.0f);
}

TEST("drops boxes that are not finite, empty, turned over or outside of the source") {
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto kept =
      suppress({detection({none, 0, 10, 10}, 0.9f), detection({0, 0, 10, infinity}, 0.9f),
                detection({5, 5, 5, 9}, 0.9f), detection({9, 0, 1, 10}, 0.9f), detection({-20, 0, -10, 10}, 0.9f),
                detection({0, 2000, 10, 2010}, 0.9f), detection({-5, 0, 10, 10}, 0.5f)},
               wideOptions());
  check::equals(kept.size(), 1u);
  check::equals(kept[0].box.x1, 0.0f);
}

TEST("stops at maxRows") {
  auto options = wideOptions();
  options.maxRows = 3;
  std::vector<Detection> apart;
  for (int i = 0; i < 10; i++) {
    const auto x = static_cast<float>(i * 20);
    apart.push_back(detection({x, 0, x + 10, 10}, 0.9f - 0.01f * static_cast<float>(i)));
  }
  const auto kept = suppress(apart, options);
  check::equals(kept.size(), 3u);
  check::equals(kept[2].box.x1, 40.0f);
  options.maxRows = 0;
  check::equals(suppress(apart, options).size(), 0u);
}

TEST("maps a turned box to the upright one around it") {
  auto options = wideOptions();
  options.toSource = {0, -1, 100, 1, 0, 0};
  const auto kept = suppress({detection({10, 20, 30, 60}, 0.9f)}, options);
  check::equals(kept.size(), 1u);
  const Box& box = kept[0].box;
  check::isTrue(box.x1 == 40 && box.y1 == 10 && box.x2 == 80 && box.y2 == 30, "40 10 80 30");
}

TEST("orders candidates by score, equal ones by place, and keeps no unwanted class") {
  auto options = wideOptions();
  options.classes = {1, 4};
  std::vector<Candidate> candidates = {
      {0.5f, 1, 9}, {0.9f, 2, 1}, {0.5f, 4, 3}, {0.75f, 1, 8}, {std::numeric_limits<float>::infinity(), 1, 0}};
  keepBest(candidates, options);
  check::equals(candidates.size(), 3u);
  check::equals(candidates[0].place, 8u);
  check::equals(candidates[1].place, 3u);
  check::equals(candidates[2].place, 9u);
}

TEST("keeps the best 4096 of more candidates") {
  std::vector<Candidate> candidates;
  for (std::uint32_t place = 0; place < 30'000; place++) {
    candidates.push_back({static_cast<float>(place * 7919 % 30'000) / 30'000, 0, place});
  }
  keepBest(candidates, wideOptions());
  check::equals(candidates.size(), maxCandidates);
  check::isNear(candidates.front().score, 29'999.0 / 30'000, 1e-6);
  check::isNear(candidates.back().score, (30'000.0 - 4096) / 30'000, 1e-6);
}
