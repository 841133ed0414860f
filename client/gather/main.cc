// foresight-gather: see its --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/gather/gather.h"
#include "client/run/command_line.h"
#include "client/run/output_file.h"

namespace foresight {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct GatherOptions {
  std::vector<std::string> reports;  // Files, and folders of .json files.
  int episodes = 0;                  // Expected number; 0: any number.
  std::string json;                  // Empty: none.
};

absl::StatusOr<std::vector<std::string>> Files(
    const std::vector<std::string>& reports) {
  std::vector<std::string> files;
  for (const std::string& report : reports) {
    std::error_code error;
    if (!std::filesystem::is_directory(report, error)) {
      files.push_back(report);
      continue;
    }
    std::filesystem::directory_iterator entries(report, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot list ", report, ": ", error.message()));
    }
    for (const auto& entry : entries) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<GatheredReport> Gather(const GatherOptions& options) {
  const auto files = Files(options.reports);
  if (!files.ok()) return files.status();
  GatheredReport gathered;
  for (const std::string& file : *files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) return absl::UnavailableError("cannot read " + file);
    const absl::Status status = gathered.Add(file, text);
    if (!status.ok()) return status;
  }
  const size_t expected = std::max(1, options.episodes);
  if (gathered.episodes() < expected) {
    return absl::FailedPreconditionError(
        absl::StrCat("found ", gathered.episodes(), " episodes in ",
                     files->size(), " reports, expected ", expected));
  }
  return gathered;
}

int Complain(const absl::Status& status) {
  std::fprintf(stderr, "foresight-gather: %s\n",
               std::string(status.message()).c_str());
  return kFailed;
}

int Main(int argc, char** argv) {
  GatherOptions options;
  CLI::App app(
      "Combines the reports of many foresight-run processes as if one process\n"
      "had played all the episodes.",
      "foresight-gather");
  app.footer("Exit status: 0 gathered, 1 something is wrong, 2 wrong usage.");
  app.set_version_flag("--version", "foresight-gather " FORESIGHT_VERSION);
  app.add_option("REPORT", options.reports,
                 "files written by foresight-run --json, or folders of them")
      ->required();
  app.add_option("--episodes", options.episodes,
                 "fail unless there are at least this many episodes "
                 "(default: 1)")
      ->check(Count());
  app.add_option("--json", options.json, "write the comparison here")
      ->type_name("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const auto gathered = Gather(options);
  if (!gathered.ok()) return Complain(gathered.status());
  const absl::Status written = WriteFile(options.json, gathered->ToJson());
  if (!written.ok()) return Complain(written);
  std::fputs(gathered->ToTable().c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) { return foresight::Main(argc, argv); }
