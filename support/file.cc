#include "support/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// An open file; closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

  // close() with its result: some file systems report a failed write there.
  int Close() { return close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

// Turns errno into an error about `path`.
absl::Status SystemError(const std::filesystem::path& path,
                         absl::string_view what) {
  const std::string message = absl::StrCat(path.string(), ": cannot ", what,
                                           ": ", std::strerror(errno));
  if (errno == ENOENT || errno == ENOTDIR) return absl::NotFoundError(message);
  return absl::UnavailableError(message);
}

absl::Status WriteError(const std::filesystem::path& path,
                        absl::string_view what) {
  return absl::UnavailableError(SystemError(path, what).message());
}

// Makes a rename in `folder` outlast a crash.
absl::Status SyncFolder(const std::filesystem::path& folder) {
  const Descriptor file(open(folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || fsync(file.get()) != 0) {
    return WriteError(folder, "sync");
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, const std::filesystem::path& path,
                      absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteError(path, "write");
    bytes.remove_prefix(written);
  }
  if (fsync(fd) != 0) return WriteError(path, "sync");
  return absl::OkStatus();
}

// A name that no other writer uses in this folder.
std::filesystem::path TemporaryName(const std::filesystem::path& path) {
  static std::atomic<int> count = 0;
  return path.parent_path() / absl::StrCat(".", path.filename().string(), ".",
                                           getpid(), ".", count++, ".tmp");
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     size_t most) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about = {};
  if (file.get() < 0) return SystemError(path, "open");
  if (fstat(file.get(), &about) != 0) return SystemError(path, "read");
  if (!S_ISREG(about.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": expected a regular file"));
  }
  if (static_cast<uint64_t>(about.st_size) > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": the file has ", about.st_size,
                     " bytes, expected at most ", most));
  }
  std::string bytes(about.st_size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(file.get(), &bytes[done], bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "read");
    if (got == 0) break;  // The file has become shorter.
    done += got;
  }
  bytes.resize(done);
  return bytes;
}

absl::Status WriteFileAtomically(const std::filesystem::path& path,
                                 absl::string_view bytes) {
  const std::filesystem::path temporary = TemporaryName(path);
  Descriptor file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) return WriteError(path, "create");
  absl::Cleanup remove = [&] { unlink(temporary.c_str()); };
  RETURN_IF_ERROR(WriteAll(file.get(), path, bytes));
  if (file.Close() != 0) return WriteError(path, "write");
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return WriteError(path, "rename to");
  }
  std::move(remove).Cancel();
  return SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace foresight
