#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "device/connections.h"

namespace standin {

/** What a device is started with. */
struct Settings {
  std::string socket;
  /** Divides load times. */
  double speed = 1;
  /** Divides the times of tokens, first ones too. */
  double tokenSpeed = 1;
  Ms switchCost = 1;
  std::uint64_t memoryKib = 8192 * 1024;
  /** What the device's own software takes. */
  std::uint64_t systemKib = 3300 * 1024;
  /** How long an exclusive opening waits for the others to go. */
  Ms exclusiveWait = 5000;
  /** Of a token's time, what it holds the neural-network core. An assumption: no figure is known. */
  Ms tokenCore = 5;
  std::string driver = "5.2.0";
};

/** Faults that wait for their moment. */
struct Faults {
  /** Loads that still succeed before one fails, and with which status. */
  std::optional<int> failLoadAfter;
  int failLoadStatus = 81;
  /** The answers to this many control calls are lost. */
  int loseReplies = 0;
  /** Every answer to a control call is late by this. */
  Ms replyDelay = 0;
  /** The device takes no message and gives none. */
  bool hung = false;
  /** Jobs that still succeed before one fails. */
  std::optional<int> failJobAfter;
  int failJobStatus = 8;
  /** Tokens until every generative session loses its link, or hangs. */
  std::optional<int> cutTokensAfter;
  std::optional<int> hangTokensAfter;
};

/** What a control client may ask about; never reset. */
struct Counters {
  std::uint64_t jobs = 0;
  std::uint64_t failedJobs = 0;
  std::uint64_t bounced = 0;
  std::uint64_t transientMaps = 0;
  std::uint64_t switches = 0;
  std::uint64_t loads = 0;
  std::uint64_t tokens = 0;
  std::uint64_t transcriptions = 0;
  std::uint64_t hefBytes = 0;
  std::uint64_t notifications = 0;
  Ms coreBusy = 0;
};

/** A process that has a connection: what it opened, so that all of it can be freed when it goes. */
struct Client {
  std::int64_t pid = 0;
  std::string library;
  /** Set while it has a VDevice or a generative session. */
  std::optional<std::string> group;
};

/** A network that a client created, configured or not. */
struct LoadedModel {
  ConnectionId owner;
  const Network* network;
  std::uint64_t memoryKib = 0;
  bool shutDown = false;
};

struct ConfiguredModel {
  ConnectionId owner;
  int model;
  std::uint64_t memoryKib = 0;
  std::uint32_t queue = 0;
  std::uint32_t inFlight = 0;
  bool shutDown = false;
};

/** The whole device. Parts of the server change it; one thread. */
struct State {
  explicit State(const Settings& given) : settings(given), core(given.switchCost) {}

  Settings settings;
  Faults faults;
  Counters counters;
  Core core;
  bool coreBusy = false;
  /** The frame that runs, until it ends or its model goes. */
  std::optional<Frame> running;
  int runningModel = 0;
  std::map<ConnectionId, Client> clients;
  int lastModel = 0;
  std::map<int, LoadedModel> models;
  /** By the id that the core gave. */
  std::map<int, ConfiguredModel> configured;
  /** Memory of generative sessions, by connection. */
  std::map<ConnectionId, std::uint64_t> generativeKib;
  float celsius = 48;
  int throttling = 0;
  std::uint32_t notificationNumber = 0;

  std::uint64_t usedKib() const;
  /** Counts one load; a status other than 0 refuses it: for memory or by a fault. */
  int admit(std::uint64_t kib);
};

}  // namespace standin
