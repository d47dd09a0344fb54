#include "client/genai/session.h"

#include <unistd.h>

#include "client/environment.h"
#include "client/vdevice_client.h"
#include "core/hef_file.h"

namespace hailort::genai {

using standin::Json;

namespace {

Expected<const standin::Network*> readNetwork(const std::string& hefPath, standin::Generative::Kind kind) {
  const auto file = standin::readFile(hefPath);
  if (file.status != 0) return make_unexpected(static_cast<hailo_status>(file.status));
  const auto parsed = standin::parseHef(standin::bytesOf(file.bytes));
  if (parsed.network == nullptr) return make_unexpected(static_cast<hailo_status>(parsed.status));
  if (parsed.network->generative.kind != kind) return make_unexpected(HAILO_HEF_NOT_SUPPORTED);
  return Expected<const standin::Network*>(parsed.network);
}

}  // namespace

hailo_status checkPath(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ? HAILO_SUCCESS : HAILO_OPEN_FILE_FAILURE;
}

Expected<std::shared_ptr<Session>> Session::open(const VDevice& vdevice, const std::string& hefPath,
                                                 standin::Generative::Kind kind) {
  if (hefPath.empty()) return make_unexpected(HAILO_INVALID_OPERATION);
  const auto network = readNetwork(hefPath, kind);
  if (!network) return make_unexpected(network.status());
  const auto& params = vdevice.get_params();
  if (const auto status = standin::checkParams(params); status != HAILO_SUCCESS) return make_unexpected(status);
  if (params.scheduling_algorithm == HAILO_SCHEDULING_ALGORITHM_NONE) return make_unexpected(HAILO_NOT_SUPPORTED);
  auto session = std::make_shared<Session>();
  session->network_ = network.value();
  if (session->socket_.connect(standin::socketPath()) != 0) return make_unexpected(HAILO_CONNECTION_REFUSED);
  const auto greeted = session->call(
      Json::Object{{"do", "hello"}, {"pid", static_cast<int>(::getpid())}, {"library", standin::libraryVersion()}});
  if (!greeted) return make_unexpected(greeted.status());
  const auto opened =
      session->call(Json::Object{{"do", "session"}, {"network", session->network_->name}, {"group", params.group_id}});
  if (!opened) return make_unexpected(opened.status());
  return session;
}

Session::Turn::Turn(Session& session) : session_(session) {
  std::unique_lock lock(session.mutex_);
  const std::uint64_t mine = ++session.lastTurn_;
  session.changed_.wait(lock, [&] { return session.turn_ == mine; });
}

Session::Turn::~Turn() {
  const std::lock_guard lock(session_.mutex_);
  session_.turn_++;
  session_.changed_.notify_all();
}

Expected<Json> Session::call(Json message) {
  const Turn turn(*this);
  message.set("id", ++lastId_);
  if (!socket_.send(message)) return make_unexpected(HAILO_COMMUNICATION_CLOSED);
  // Notifications come to every client; a session has no use for them.
  auto answer = socket_.receive();
  while (answer && answer->has("event")) answer = socket_.receive();
  if (!answer) return make_unexpected(HAILO_COMMUNICATION_CLOSED);
  const auto status = static_cast<hailo_status>((*answer)["status"].integer());
  if (status != HAILO_SUCCESS) return make_unexpected(status);
  return Json(*answer);
}

}  // namespace hailort::genai
