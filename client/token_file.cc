#include "client/token_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace foresight {
namespace {

constexpr size_t kMaxTokenBytes = 4096;

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat(path, " cannot be read, expected a file with a token"));
  }
  std::string text(kMaxTokenBytes + 2, '\0');  // A line end may follow.
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(file.gcount());
  absl::StripAsciiWhitespace(&text);
  if (text.empty() || text.size() > kMaxTokenBytes ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     " does not hold one token, expected one line of at "
                     "most ",
                     kMaxTokenBytes, " printable ASCII characters"));
  }
  return text;
}

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
         a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Open(
    const std::string& path) {
  std::unique_ptr<TokenFile> file(new TokenFile(path));
  absl::MutexLock lock(&file->mutex_);
  file->Changed();
  if (absl::Status status = file->Read(); !status.ok()) return status;
  return file;
}

bool TokenFile::Changed() {
  looked_ = SteadyNow();
  struct stat now = {};
  if (stat(path_.c_str(), &now) != 0 || SameFile(now, seen_)) return false;
  seen_ = now;
  return true;
}

absl::Status TokenFile::Read() {
  absl::StatusOr<std::string> token = ReadToken(path_);
  if (!token.ok()) return token.status();
  token_ = *std::move(token);
  return absl::OkStatus();
}

std::string TokenFile::Get() {
  absl::MutexLock lock(&mutex_);
  if (Between(looked_, SteadyNow()) >= absl::Seconds(1) && Changed()) {
    // A file without a token is read again only after its next change.
    (void)Read();
  }
  return token_;
}

}  // namespace foresight
