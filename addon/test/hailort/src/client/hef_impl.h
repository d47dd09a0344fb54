#pragma once

#include "hailo/hef.hpp"
#include "networks/network.h"

namespace hailort {

class Hef::Impl {
 public:
  const standin::Network* network;
  std::string hash;
};

}  // namespace hailort

namespace standin {

/** What HailoRT says of a stream before a caller sets anything. */
hailo_vstream_info_t describe(const Network& network, const Stream& stream, hailo_stream_direction_t direction);

}  // namespace standin
