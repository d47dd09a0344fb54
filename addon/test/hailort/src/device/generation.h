#pragma once

#include "device/answer.h"
#include "device/models.h"
#include "device/openings.h"

namespace standin {

/** Language, vision-language and speech models: each session is one connection. One LLM or VLM at a time on the device.
 */
class Generation {
 public:
  Generation(Connections& connections, State& state, Outbox& outbox, Models& models, Openings& openings)
      : connections_(connections), state_(state), outbox_(outbox), models_(models), openings_(openings) {}

  /** False when `message` is none of a generative session. */
  bool carryOut(ConnectionId from, const Json& message);
  void forget(ConnectionId connection);

 private:
  struct Session {
    const Network* network;
    int coreModel;
    std::uint64_t contextTokens = 0;
    std::string recovery = "<|im_end|>";
    Json::Array stops{};
    std::vector<std::string> rest{};
    std::size_t limit = 0;
    std::size_t given = 0;
    std::size_t promptTokens = 0;
    bool generating = false;
    bool aborted = false;
  };

  void open(ConnectionId from, const Json& request);
  bool slotTaken() const;
  bool carryOutInSession(ConnectionId from, Session& session, const std::string& what, const Json& message);
  bool carryOutContext(ConnectionId from, Session& session, const std::string& what, const Json& message);
  void generate(ConnectionId from, Session& session, const Json& message);
  void token(ConnectionId from, Session& session, const Json& message);
  void giveToken(ConnectionId from, const Json& message);
  void transcribe(ConnectionId from, Session& session, const Json& message);
  bool faultStops(ConnectionId from);
  Ms untilToken(const Session& session) const;

  Connections& connections_;
  State& state_;
  Outbox& outbox_;
  Models& models_;
  Openings& openings_;
  std::map<ConnectionId, Session> sessions_;
};

}  // namespace standin
