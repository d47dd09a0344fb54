#pragma once

#include "device/outbox.h"

namespace standin {

/** Temperature, throttling, figures and notifications. */
class Health {
 public:
  Health(Connections& connections, State& state, Outbox& outbox)
      : connections_(connections), state_(state), outbox_(outbox) {}

  void tell(ConnectionId from, const Json& request);
  /** Sets the temperature; entering a zone raises its alarm. */
  void setCelsius(float celsius);
  /** 0 none to 6 overheat, as hailo_hw_throttling_state_t; a higher one slows the core down. */
  void setThrottling(int state);
  /** Sends a notification of HailoRT's number `id` with `fields` to every client that opened the device. */
  void notify(int id, Json::Object fields);

 private:
  Json::Object performance() const;

  Connections& connections_;
  State& state_;
  Outbox& outbox_;
  int zone_ = 0;
  Ms busyBefore_ = 0;
  Ms askedAt_ = 0;
};

}  // namespace standin
