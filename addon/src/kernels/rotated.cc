#include "kernels/rotated.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace hailstream {
namespace {

constexpr double epsilon = 1e-7;

/** Covariance of a box with even density: a b / b c. */
struct Covariance {
  double a, b, c;
};

Covariance covarianceOf(const RotatedBox& box) {
  const double along = static_cast<double>(box.width) * box.width / 12;
  const double across = static_cast<double>(box.height) * box.height / 12;
  const double cosine = std::cos(box.angle);
  const double sine = std::sin(box.angle);
  return {along * cosine * cosine + across * sine * sine, (along - across) * cosine * sine,
          along * sine * sine + across * cosine * cosine};
}

double determinant(const Covariance& matrix) {
  return std::max(matrix.a * matrix.c - matrix.b * matrix.b, 0.0);
}

bool isSound(const RotatedBox& box) {
  return std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) && std::isfinite(box.height) &&
         std::isfinite(box.angle) && box.width > 0 && box.height > 0;
}

/** A box and one half a turn further are the same. */
float withinHalfTurn(double angle) {
  constexpr double half = std::numbers::pi / 2;
  const double turned = std::remainder(angle, std::numbers::pi);
  return static_cast<float>(turned < half ? turned : -half);
}

/** Nothing where the middle falls outside of the source or a value is not finite. */
std::optional<RotatedBox> rotatedToSource(const RotatedBox& box, const DecodeOptions& options) {
  const auto [a, b, c, d, e, f] = options.toSource;
  const double cosine = std::cos(box.angle);
  const double sine = std::sin(box.angle);
  const double alongX = a * cosine + b * sine;
  const double alongY = d * cosine + e * sine;
  const double across = std::hypot(b * cosine - a * sine, e * cosine - d * sine);
  const RotatedBox placed{static_cast<float>(a * box.x + b * box.y + c), static_cast<float>(d * box.x + e * box.y + f),
                          static_cast<float>(box.width * std::hypot(alongX, alongY)),
                          static_cast<float>(box.height * across), withinHalfTurn(std::atan2(alongY, alongX))};
  const bool inside =
      placed.x >= 0 && placed.y >= 0 && placed.x <= options.sourceWidth && placed.y <= options.sourceHeight;
  return inside && isSound(placed) ? std::optional(placed) : std::nullopt;
}

}  // namespace

float rotatedOverlap(const RotatedBox& first, const RotatedBox& second) {
  const Covariance one = covarianceOf(first);
  const Covariance two = covarianceOf(second);
  const Covariance sum{one.a + two.a, one.b + two.b, one.c + two.c};
  const double dx = static_cast<double>(first.x) - second.x;
  const double dy = static_cast<double>(first.y) - second.y;
  const double spread = determinant(sum) + epsilon;
  const double apart = (sum.c * dx * dx - 2 * sum.b * dx * dy + sum.a * dy * dy) / spread / 4;
  const double unlike =
      std::log(determinant(sum) / (4 * std::sqrt(determinant(one) * determinant(two)) + epsilon) + epsilon) / 2;
  // Bhattacharyya distance → Hellinger distance.
  const double distance = std::clamp(apart + unlike, epsilon, 100.0);
  return static_cast<float>(1 - std::sqrt(1 - std::exp(-distance) + epsilon));
}

std::vector<RotatedDetection> suppressRotated(const std::vector<RotatedDetection>& sorted,
                                              const DecodeOptions& options) {
  std::vector<RotatedDetection> kept;
  std::vector<RotatedDetection> placed;
  for (const auto& detection : sorted) {
    if (placed.size() >= options.maxRows) break;
    if (!isSound(detection.box)) continue;
    const auto suppresses = [&](const RotatedDetection& better) {
      return better.candidate.label == detection.candidate.label &&
             rotatedOverlap(better.box, detection.box) > options.iou;
    };
    if (std::ranges::any_of(kept, suppresses)) continue;
    const auto inSource = rotatedToSource(detection.box, options);
    if (!inSource) continue;
    kept.push_back(detection);
    placed.push_back({*inSource, detection.candidate});
  }
  return placed;
}

std::vector<float> rotatedRows(const std::vector<RotatedDetection>& kept) {
  std::vector<float> rows;
  for (const auto& [box, candidate] : kept) {
    rows.insert(rows.end(),
                {box.x, box.y, box.width, box.height, box.angle, candidate.score, static_cast<float>(candidate.label)});
  }
  return rows;
}

}  // namespace hailstream
