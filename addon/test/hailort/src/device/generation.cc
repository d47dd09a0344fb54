#include "device/generation.h"

#include <algorithm>

namespace standin {
namespace {

constexpr int success = 0;
constexpr int invalidArgument = 2;
constexpr int invalidOperation = 6;
constexpr int deviceInUse = 73;
constexpr int hefNotSupported = 92;

/** Of every model in the vendor's zoo. */
constexpr std::uint64_t contextCapacity = 2048;
/** The vendor's time to the first token is taken for a prompt of this many tokens; longer ones take longer in
 * proportion. */
constexpr double firstTokenPrompt = 96;

/** As LLMGeneratorCompletion::Status. */
enum class Status { generating, maxTokens, logicalEnd, aborted };

}  // namespace

bool Generation::slotTaken() const {
  return std::ranges::any_of(
      sessions_, [](const auto& entry) { return entry.second.network->generative.kind != Generative::Kind::speech; });
}

void Generation::open(ConnectionId from, const Json& request) {
  const Network* network = findNetwork(request["network"].string());
  if (network == nullptr || network->generative.kind == Generative::Kind::none)
    return outbox_.reply(from, request, hefNotSupported);
  const auto group = request["group"].string();
  if (openings_.conflicts(from, group, true)) return outbox_.reply(from, request, deviceInUse);
  const bool needsSlot = network->generative.kind != Generative::Kind::speech;
  // The real server ends the session of whoever finds the KV cache in use.
  if (needsSlot && slotTaken()) return connections_.close(from);
  state_.counters.hefBytes += network->hefBytes;
  if (const int status = state_.admit(network->residentKib); status != success)
    return outbox_.reply(from, request, status);
  state_.clients.at(from).group = group;
  state_.generativeKib[from] = network->residentKib;
  sessions_[from] = {network, state_.core.add(state_.settings.tokenCore / state_.settings.tokenSpeed)};
  connections_.after(1000 * network->generative.loadSeconds / state_.settings.speed, [this, from, request] {
    outbox_.reply(from, request, success, Json::Object{{"capacity", contextCapacity}});
  });
}

bool Generation::carryOut(ConnectionId from, const Json& message) {
  const auto what = message["do"].string();
  if (what == "session") {
    open(from, message);
    return true;
  }
  const auto found = sessions_.find(from);
  if (found == sessions_.end()) return false;
  if (what == "release") {
    forget(from);
    state_.clients.at(from).group.reset();
    outbox_.reply(from, message, success);
    openings_.retry();
    return true;
  }
  return carryOutInSession(from, found->second, what, message) || carryOutContext(from, found->second, what, message);
}

bool Generation::carryOutInSession(ConnectionId from, Session& session, const std::string& what, const Json& message) {
  if (what == "generate") {
    generate(from, session, message);
  } else if (what == "token") {
    token(from, session, message);
  } else if (what == "abort") {
    session.aborted = session.generating;
    if (session.aborted) session.rest = pieces(session.recovery);
    outbox_.reply(from, message, success);
  } else if (what == "transcribe") {
    transcribe(from, session, message);
  } else if (what == "tokenize") {
    Json::Array numbers;
    for (const int number : tokenNumbers(message["text"].string())) numbers.emplace_back(number);
    outbox_.reply(from, message, success, Json::Object{{"tokens", numbers}});
  } else {
    return false;
  }
  return true;
}

bool Generation::carryOutContext(ConnectionId from, Session& session, const std::string& what, const Json& message) {
  if (what == "context") {
    outbox_.reply(from, message, success, Json::Object{{"used", session.contextTokens}, {"capacity", contextCapacity}});
  } else if (what == "clear") {
    if (!session.generating) session.contextTokens = 0;
    outbox_.reply(from, message, session.generating ? invalidOperation : success);
  } else if (what == "load-context") {
    session.contextTokens = std::min(contextCapacity, static_cast<std::uint64_t>(message["used"].integer()));
    outbox_.reply(from, message, session.generating ? invalidOperation : success);
  } else if (what == "set-recovery") {
    session.recovery = message["text"].string();
    outbox_.reply(from, message, success);
  } else if (what == "recovery") {
    outbox_.reply(from, message, success, Json::Object{{"text", session.recovery}});
  } else if (what == "set-stops") {
    session.stops = message["tokens"].array();
    outbox_.reply(from, message, success);
  } else if (what == "stops") {
    outbox_.reply(from, message, success, Json::Object{{"tokens", session.stops}});
  } else {
    return false;
  }
  return true;
}

void Generation::generate(ConnectionId from, Session& session, const Json& message) {
  if (session.generating) return outbox_.reply(from, message, invalidOperation);
  Question question{message["prompt"].string(), {}, static_cast<std::size_t>(message["pictures"].integer())};
  for (const auto& colour : message["seen"].array()) question.seen.push_back(colour.string());
  session.rest = pieces(answer(question));
  session.promptTokens = tokenNumbers(question.prompt).size() + 64 * question.pictures;
  session.contextTokens = std::min(contextCapacity, session.contextTokens + session.promptTokens);
  session.limit = static_cast<std::size_t>(message["limit"].integer());
  session.given = 0;
  session.generating = true;
  session.aborted = false;
  outbox_.reply(from, message, success);
}

Ms Generation::untilToken(const Session& session) const {
  const auto& figures = session.network->generative;
  const double first =
      figures.firstTokenSeconds * std::max(1.0, static_cast<double>(session.promptTokens) / firstTokenPrompt);
  const double seconds = session.given == 0 ? first : 1 / figures.tokensPerSecond;
  return std::max(0.0, (1000 * seconds - state_.settings.tokenCore) / state_.settings.tokenSpeed);
}

void Generation::token(ConnectionId from, Session& session, const Json& message) {
  if (!session.generating) return outbox_.reply(from, message, invalidOperation);
  if (session.limit == 0) {
    session.generating = false;
    return outbox_.reply(from, message, success,
                         Json::Object{{"text", ""}, {"state", static_cast<int>(Status::maxTokens)}});
  }
  const int coreModel = session.coreModel;
  connections_.after(untilToken(session), [this, from, message, coreModel] {
    if (!sessions_.contains(from)) return;
    models_.step(coreModel, [this, from, message] { giveToken(from, message); });
  });
}

bool Generation::faultStops(ConnectionId from) {
  Faults& faults = state_.faults;
  if (faults.hangTokensAfter && (*faults.hangTokensAfter)-- == 0) {
    faults.hangTokensAfter.reset();
    faults.hung = true;
  }
  if (faults.cutTokensAfter && (*faults.cutTokensAfter)-- == 0) {
    faults.cutTokensAfter.reset();
    connections_.close(from);
    return true;
  }
  return false;
}

void Generation::giveToken(ConnectionId from, const Json& message) {
  const auto found = sessions_.find(from);
  if (found == sessions_.end() || faultStops(from)) return;
  Session& session = found->second;
  state_.counters.tokens++;
  session.given++;
  session.contextTokens = std::min(contextCapacity, session.contextTokens + 1);
  std::string text;
  if (!session.rest.empty()) {
    text = session.rest.front();
    session.rest.erase(session.rest.begin());
  }
  const bool stopped = std::ranges::any_of(
      session.stops, [&](const Json& stop) { return !text.empty() && text.find(stop.string()) != std::string::npos; });
  auto status = Status::generating;
  if (session.aborted && session.rest.empty()) {
    status = Status::aborted;
  } else if (!session.aborted && (text.empty() || stopped)) {
    status = Status::logicalEnd;
  } else if (!session.aborted && session.given >= session.limit) {
    status = Status::maxTokens;
  }
  session.generating = status == Status::generating;
  outbox_.reply(from, message, success, Json::Object{{"text", text}, {"state", static_cast<int>(status)}});
}

void Generation::transcribe(ConnectionId from, Session& session, const Json& message) {
  if (session.network->generative.kind != Generative::Kind::speech)
    return outbox_.reply(from, message, invalidArgument);
  const auto tokens = static_cast<double>(message["tokens"].integer());
  const auto& figures = session.network->generative;
  const Ms time = 1000 * (figures.firstTokenSeconds + tokens / figures.tokensPerSecond) / state_.settings.tokenSpeed;
  const int coreModel = session.coreModel;
  connections_.after(time, [this, from, message, coreModel] {
    if (!sessions_.contains(from)) return;
    models_.step(coreModel, [this, from, message] {
      state_.counters.transcriptions++;
      outbox_.reply(from, message, success);
    });
  });
}

void Generation::forget(ConnectionId connection) {
  const auto found = sessions_.find(connection);
  if (found == sessions_.end()) return;
  state_.core.remove(found->second.coreModel);
  sessions_.erase(found);
  state_.generativeKib.erase(connection);
}

}  // namespace standin
