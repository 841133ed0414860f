// Floods a server, to measure it by hand (docs/scheduling.md). usage: flood
// HOST:PORT SECONDS
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/integration/flood.h"

int main(int argc, char** argv) {
  if (argc != 3 || std::atof(argv[2]) <= 0) {
    std::fputs("usage: flood HOST:PORT SECONDS\n", stderr);
    return 2;
  }
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const foresight::Flood flood(
      argv[1], (self.parent_path() / "endless_client").string());
  std::this_thread::sleep_for(
      std::chrono::duration<double>(std::atof(argv[2])));
  std::printf("%ld decisions answered, %ld refused, %ld clients killed\n",
              static_cast<long>(flood.answered()),
              static_cast<long>(flood.refused()),
              static_cast<long>(flood.killed()));
  return 0;
}
