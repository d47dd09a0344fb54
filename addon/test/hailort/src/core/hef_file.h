#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "networks/network.h"

namespace standin {

/** What reading a HEF gives: a network, or which of HailoRT's statuses says why not. */
struct ParsedHef {
  const Network* network = nullptr;
  int status = 0;
};

/** A header as HEF's (magic, version 3, length of what follows) before the network's name. */
std::string writeHef(const Network& network);

/** 14 when shorter than its header or than that says, 92 when no HEF or none of ours. */
ParsedHef parseHef(std::span<const std::byte> bytes);

/** What is `path`: 13 when it cannot be opened, 14 when it is empty or cannot be read. */
struct ReadFile {
  std::string bytes;
  int status = 0;
};
ReadFile readFile(const std::string& path);

/** 16 hexadecimal digits; the same bytes, the same text. */
std::string hashOf(std::span<const std::byte> bytes);

inline std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace standin
