#pragma once

#include <condition_variable>
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
  /** One call at a time, in the order in which they came: an abort waits for the token in flight, and not for all that
   * follow. */
  class Turn {
   public:
    explicit Turn(Session& session);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Session& session_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t lastTurn_ = 0;
  std::uint64_t turn_ = 1;
  standin::LineSocket socket_;
  std::uint64_t lastId_ = 0;
  const standin::Network* network_ = nullptr;
};

/** 13 when there is no such file. */
hailo_status checkPath(const std::string& path);

}  // namespace hailort::genai
