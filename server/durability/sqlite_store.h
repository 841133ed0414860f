// Keeps the state of sessions in a folder, in an SQLite database.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/durability/state_store.h"

struct sqlite3;

namespace foresight {

// Each change is a row with its own checksum; SQLite's write-ahead log makes
// transactions atomic. Rows set aside stay in separate tables.
//
// Not thread-safe.
class SqliteStore : public StateStore {
 public:
  static constexpr char kFile[] = "sessions.db";

  // Makes the folder if it is missing. A file that is damaged or not a database
  // is renamed and logged, and a new database is begun.
  // Errors:
  //   FailedPrecondition: another server has the folder.
  //   Unavailable:        it cannot be made or written.
  static absl::StatusOr<std::unique_ptr<StateStore>> Open(
      const std::filesystem::path& folder);
  ~SqliteStore() override;

  // Writes all of the changes or none.
  absl::StatusOr<Written> Write(absl::Span<const StateChange> changes) override;
  absl::StatusOr<std::vector<KeptSession>> Load() override;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  using Database = std::unique_ptr<sqlite3, Close>;
  class Statement;

  SqliteStore(std::filesystem::path file, Database database);
  static absl::StatusOr<Database> OpenDatabase(
      const std::filesystem::path& file);

  absl::Status Run(const char* sql);
  absl::Status Apply(const StateChange& change);
  absl::Status SetAside(const std::string& key, const std::string& why);
  absl::StatusOr<std::vector<v1::SavedDecision>> Decisions(
      const std::string& key);
  absl::Status Failure() const;

  const std::filesystem::path file_;
  Database database_;
  // Prepared once; destroyed before the database.
  std::unique_ptr<Statement> replace_, forget_, forget_loads_,
      forget_decisions_, append_, remove_, remove_decisions_;
};

}  // namespace foresight
