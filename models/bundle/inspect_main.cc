// foresight-inspect: shows a bundle, or says why it is refused.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "models/bundle/bundle.h"
#include "models/bundle/describe.h"

namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Shows what a bundle holds, or why it is refused.\n"
      "Exit status: 0 the bundle is valid, 1 it is refused, 2 usage.",
      "foresight-inspect");
  app.set_version_flag("--version", FORESIGHT_VERSION);
  std::string folder;
  app.add_option("DIR", folder, "The bundle's folder")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const absl::StatusOr<foresight::Bundle> bundle =
      foresight::Bundle::Load(folder);
  if (!bundle.ok()) {
    std::cerr << "foresight-inspect: " << bundle.status().message() << "\n";
    return kRefused;
  }
  std::cout << foresight::Describe(*bundle);
  return 0;
}
