// usage: drive ADDRESS. Exits with 3 if nothing answers there.
#include <cstdio>

#include "robot.h"

int main(int argc, char** argv) {
  const auto stats = Drive(argc > 1 ? argv[1] : "127.0.0.1:50051", 5);
  std::printf("%s\n", stats.status().ToString().c_str());
  if (stats.status().code() == absl::StatusCode::kUnavailable) return 3;
  return stats.ok() ? 0 : 1;
}
