#include "core/hef_file.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace standin {
namespace {

constexpr std::array<unsigned char, 4> magic = {0x01, 'H', 'E', 'F'};
constexpr std::uint32_t version = 3;
constexpr std::size_t headerBytes = 32;
const std::string marker = "hailort-standin ";

constexpr int openFileFailure = 13;
constexpr int fileOperationFailure = 14;
constexpr int hefNotSupported = 92;

void append(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint32_t read(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; i++) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

bool hasMagic(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < magic.size() && i < bytes.size(); i++) {
    if (std::to_integer<unsigned char>(bytes[i]) != magic[i]) return false;
  }
  return true;
}

}  // namespace

std::string writeHef(const Network& network) {
  const std::string body = marker + network.name + "\n";
  std::string out(magic.begin(), magic.end());
  append(out, version);
  append(out, static_cast<std::uint32_t>(body.size()));
  out.resize(headerBytes, '\0');
  return out + body;
}

ParsedHef parseHef(std::span<const std::byte> bytes) {
  if (bytes.size() < magic.size()) return {nullptr, fileOperationFailure};
  if (!hasMagic(bytes)) return {nullptr, hefNotSupported};
  if (bytes.size() < headerBytes) return {nullptr, fileOperationFailure};
  if (read(bytes, 4) < version) return {nullptr, hefNotSupported};
  if (bytes.size() < headerBytes + read(bytes, 8)) return {nullptr, fileOperationFailure};
  const std::string body(reinterpret_cast<const char*>(bytes.data()) + headerBytes, read(bytes, 8));
  if (!body.starts_with(marker)) return {nullptr, hefNotSupported};
  const Network* network = findNetwork(body.substr(marker.size(), body.find('\n') - marker.size()));
  return {network, network == nullptr ? hefNotSupported : 0};
}

ReadFile readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {{}, openFileFailure};
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad() || bytes.empty()) return {{}, fileOperationFailure};
  return {std::move(bytes), 0};
}

std::string hashOf(std::span<const std::byte> bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::byte next : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(next)) * 1099511628211u;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace standin
