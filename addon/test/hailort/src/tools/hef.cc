#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/hef_file.h"

namespace {

constexpr const char* usage =
    "hailort-standin-hef NAME FILE      writes the HEF of one network\n"
    "hailort-standin-hef --all FOLDER   writes all of them as FOLDER/NAME.hef\n"
    "hailort-standin-hef --list         names them\n";

/** Whole or not at all: another engine may be reading the file. */
bool write(const standin::Network& network, const std::string& path) {
  const std::string fresh = path + ".new" + std::to_string(::getpid());
  std::ofstream file(fresh, std::ios::binary);
  file << standin::writeHef(network);
  file.close();
  const bool written = file && std::rename(fresh.c_str(), path.c_str()) == 0;
  if (!written) std::fprintf(stderr, "Expected to write %s. Check that the folder is there\n", path.c_str());
  return written;
}

int writeAll(const std::string& folder) {
  for (const auto& network : standin::networks()) {
    if (!write(network, folder + "/" + network.name + ".hef")) return 1;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string first = count > 1 ? arguments[1] : "";
  if (first == "--list" && count == 2) {
    for (const auto& network : standin::networks()) std::printf("%s\n", network.name.c_str());
    return 0;
  }
  if (count != 3) {
    std::fputs(usage, stderr);
    return 2;
  }
  if (first == "--all") return writeAll(arguments[2]);
  const standin::Network* network = standin::findNetwork(first);
  if (network == nullptr) {
    std::fprintf(stderr, "Expected a name that --list gives, received %s\n", first.c_str());
    return 2;
  }
  return write(*network, arguments[2]) ? 0 : 1;
}
