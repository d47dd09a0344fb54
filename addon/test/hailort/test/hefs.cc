#include "hefs.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/hef_file.h"

namespace {

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "hailort-standin-XXXXXX";

  Folder() {
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("Expected to make a folder " + path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

std::string testFolder() {
  static const Folder folder;
  return folder.path;
}

std::string hefOf(const std::string& network) {
  const auto* found = standin::findNetwork(network);
  if (found == nullptr) throw std::runtime_error("Expected a network of the table, received " + network);
  const std::string path = testFolder() + "/" + network + ".hef";
  std::ofstream(path, std::ios::binary) << standin::writeHef(*found);
  return path;
}

std::vector<std::string> standinNetworks() {
  std::vector<std::string> names;
  for (const auto& network : standin::networks()) {
    const bool runs = network.generative.kind == standin::Generative::Kind::none && network.name != "too_many_outputs";
    if (runs) names.push_back(network.name);
  }
  return names;
}
