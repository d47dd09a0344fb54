#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernel.h"

namespace hailstream {

/** The most candidates that go into suppression; of more, the best are taken. Bounds the work on a hostile tensor. */
inline constexpr std::size_t maxCandidates = 4096;

/** A place of a head (anchor or cell) whose score passed, before its box is worked out. */
struct Candidate {
  float score;
  std::uint32_t label;
  /** Number of the place in the head's own order; lower goes first among equal scores. */
  std::uint32_t place;
};

/** Corners in pixels. */
struct Box {
  float x1, y1, x2, y2;
};

/** A candidate with its box: in input pixels before suppression, in source pixels after. */
struct Detection {
  Box box;
  Candidate candidate;
};

struct Point {
  float x, y;
};

/** Whether the class filter lets this class through. */
bool keepsClass(const DecodeOptions& options, std::uint32_t label);

/** Best first, equal scores in the order of their places, without those of unwanted classes, no more than
 * `maxCandidates`. */
void keepBest(std::vector<Candidate>& candidates, const DecodeOptions& options);

/** Intersection over union, 0 to 1; 0 when both are empty. */
float overlap(const Box& first, const Box& second);

/**
 * Greedy class-wise non-maximum suppression: of two boxes of one class that overlap by more than `options.iou` the
 * later one goes. Takes detections best first, in input pixels; gives at most `maxRows`, in source pixels, clipped to
 * the source. Boxes that are not finite, have no area, or lie outside of the source are dropped and suppress nothing.
 */
std::vector<Detection> suppress(const std::vector<Detection>& sorted, const DecodeOptions& options);

/** Detections that another has suppressed already, best first: in source pixels, clipped, at most `maxRows`; boxes are
 * dropped as by `suppress`. */
std::vector<Detection> placeInSource(const std::vector<Detection>& sorted, const DecodeOptions& options);

/** Input pixels → source pixels, clipped to the source. */
Point toSource(Point point, const DecodeOptions& options);

/** Rows `[count × 6] float32: x1 y1 x2 y2 score class`, in source pixels. */
std::vector<float> boxRows(const std::vector<Detection>& kept);

/** Appends the six values of every box row: x1 y1 x2 y2 score class. */
void appendBox(std::vector<float>& rows, const Detection& detection);

}  // namespace hailstream
