#pragma once

#include <vector>

#include "hailo/hailort.h"
#include "networks/network.h"

namespace standin {

/** A stream with what its caller set before configuring. */
struct StreamSettings {
  const Stream* stream;
  hailo_vstream_info_t described;
  hailo_format_t format;
  float minScore = 0.2f;

  size_t frameBytes() const;
  /** 0 when the device can give this format. */
  hailo_status check(hailo_stream_direction_t direction) const;
};

/** 8 when the streams' descriptions do not fit the one request that carries them. */
hailo_status checkRequestSize(const std::vector<StreamSettings>& inputs, const std::vector<StreamSettings>& outputs);

}  // namespace standin
