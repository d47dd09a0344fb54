#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "client/link.h"
#include "hailo/vdevice.hpp"
#include "networks/network.h"

namespace hailort::genai {

/**
 * A generative model's own connection. One call at a time holds it until its answer is here, however long that takes:
 * an abort waits for the token under way, and a hung device holds everybody for ever.
 */
class Session {
 public:
  /** Loads the HEF of `kind` on the device of `vdevice`, whose parameters are read again: dangling ones too. */
  static Expected<std::shared_ptr<Session>> open(const VDevice& vdevice, const std::string& hefPath,
                                                 standin::Generative::Kind kind);

  /** 62 when the link is lost. */
  Expected<standin::Json> call(standin::Json message);
  const standin::Network& network() const { return *network_; }

 private:
  std::mutex mutex_;
  standin::LineSocket socket_;
  std::uint64_t lastId_ = 0;
  const standin::Network* network_ = nullptr;
};

/** 13 when there is no such file. */
hailo_status checkPath(const std::string& path);

}  // namespace hailort::genai
