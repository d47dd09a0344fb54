#include "kernels/best_class.h"

#include <hwy/targets.h>

#include <limits>
#include <random>

#include "check.h"

using namespace hailstream;

namespace {

std::mt19937 randomNumbers(11);

/** Scores of which some are equal, some NaN and some infinite. */
std::vector<float> someScores(std::size_t count) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> scores(count);
  for (auto& score : scores) {
    const auto kind = randomNumbers() % 40;
    score = static_cast<float>(randomNumbers() % 64) / 64 - 0.25f;
    if (kind == 0) score = std::numeric_limits<float>::quiet_NaN();
    if (kind == 1) score = infinity;
    if (kind == 2) score = -infinity;
  }
  return scores;
}

void compareWithOracle(const ScoreGrid& grid, float floor) {
  std::vector<Candidate> expected;
  std::vector<Candidate> received;
  findBestScalar(grid, floor, 5, expected);
  findBest(grid, floor, 5, received);
  check::equals(received.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); i++) {
    check::equals(received[i].place, expected[i].place);
    check::equals(received[i].label, expected[i].label);
    check::equals(received[i].score, expected[i].score);
  }
}

void compareShape(std::size_t places, std::size_t classes) {
  const auto scores = someScores((places + 2) * (classes + 3));
  for (const float floor : {-std::numeric_limits<float>::infinity(), 0.0f, 0.5f, 2.0f}) {
    compareWithOracle({scores.data(), places, classes, 1, places}, floor);
    compareWithOracle({scores.data(), places, classes, 1, places + 2}, floor);
    compareWithOracle({scores.data(), places, classes, classes, 1}, floor);
    compareWithOracle({scores.data(), places, classes, classes + 3, 1}, floor);
  }
}

}  // namespace

TEST("finds the best class of each place as the scalar oracle does, on every SIMD target of this machine") {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (const std::size_t places : {1, 3, 15, 16, 17, 63, 64, 65, 511, 513, 1031}) {
      for (const std::size_t classes : {1, 2, 7, 16, 33, 80, 81}) compareShape(places, classes);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST("takes the first of equal classes and never one that is NaN") {
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  const float scores[] = {none, 0.5f, 0.5f, none, none, none};
  std::vector<Candidate> found;
  findBest({scores, 2, 3, 3, 1}, 0.5f, 10, found);
  check::equals(found.size(), 1u);
  check::equals(found[0].place, 10u);
  check::equals(found[0].label, 1u);
}

TEST("finds nothing in a grid without places or classes") {
  std::vector<Candidate> found;
  findBest({nullptr, 0, 80, 1, 0}, 0, 0, found);
  const float scores[] = {1, 1};
  findBest({scores, 2, 0, 1, 2}, 0, 0, found);
  check::equals(found.size(), 0u);
}
