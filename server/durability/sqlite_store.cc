#include "server/durability/sqlite_store.h"

#include <sqlite3.h>

#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/durability/sealed.h"
#include "server/support/log.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// Exclusive mode holds the lock until the process ends, even by a crash, and
// lets WAL work without shared memory. FULL syncs once per transaction.
constexpr char kPrepare[] = R"(
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS sessions(
    key BLOB PRIMARY KEY, incarnation INTEGER NOT NULL,
    sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS decisions(
    key BLOB, incarnation INTEGER, decision INTEGER, sealed BLOB NOT NULL,
    PRIMARY KEY(key, incarnation, decision)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS loads(
    key BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sessions_set_aside(
    key BLOB, sealed BLOB, why TEXT, at TEXT);
  CREATE TABLE IF NOT EXISTS decisions_set_aside(
    key BLOB, decision INTEGER, sealed BLOB, at TEXT);
  BEGIN IMMEDIATE; COMMIT;
)";

bool Damaged(int code) {
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
}

// Renames the database and its log to an unused name, which it returns.
absl::StatusOr<std::filesystem::path> Rename(
    const std::filesystem::path& file) {
  std::filesystem::path aside;
  std::error_code error;
  for (int n = 1; aside.empty() || std::filesystem::exists(aside); ++n) {
    aside = absl::StrCat(file.string(), ".damaged-", n);
  }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::filesystem::path from = file.string() + suffix;
    if (!std::filesystem::exists(from)) continue;
    std::filesystem::rename(from, aside.string() + suffix, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat(
          from.string(), ": cannot be set aside: ", error.message()));
    }
  }
  return aside;
}

}  // namespace

// A prepared statement, which is bound and run repeatedly.
class SqliteStore::Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // The values must outlive the run.
  Statement& Bind(int index, absl::string_view bytes) {
    sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(),
                        SQLITE_STATIC);
    return *this;
  }
  Statement& Bind(int index, uint64_t number) {
    sqlite3_bind_int64(statement_, index, static_cast<int64_t>(number));
    return *this;
  }
  // SQLITE_ROW while there is another row; SQLITE_DONE at the end.
  int Step() { return sqlite3_step(statement_); }
  std::string Bytes(int column) {
    const void* data = sqlite3_column_blob(statement_, column);
    return std::string(static_cast<const char*>(data),
                       sqlite3_column_bytes(statement_, column));
  }
  uint64_t Number(int column) {
    return static_cast<uint64_t>(sqlite3_column_int64(statement_, column));
  }
  // Runs it and makes it ready for the next values. Returns whether it ran to
  // its end.
  bool Run() {
    const bool done = Step() == SQLITE_DONE;
    sqlite3_reset(statement_);
    return done;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

void SqliteStore::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

absl::StatusOr<std::unique_ptr<StateStore>> SqliteStore::Open(
    const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(folder.string(), ": cannot be made: ", error.message()));
  }
  const std::filesystem::path file = folder / kFile;
  auto database = OpenDatabase(file);
  if (absl::IsDataLoss(database.status())) {
    ASSIGN_OR_RETURN(const std::filesystem::path aside, Rename(file));
    LogError("state damaged, its sessions are lost",
             {{"file", file.string()},
              {"renamed", aside.string()},
              {"error", database.status().message()}});
    database = OpenDatabase(file);
  }
  if (!database.ok()) return database.status();
  return std::unique_ptr<StateStore>(
      new SqliteStore(file, *std::move(database)));
}

absl::StatusOr<SqliteStore::Database> SqliteStore::OpenDatabase(
    const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(
      file.c_str(), &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  Database database(opened);
  if (code == SQLITE_OK) {
    code = sqlite3_exec(opened, kPrepare, nullptr, nullptr, nullptr);
  }
  std::string damage;
  if (code == SQLITE_OK) {
    Statement check(opened, "PRAGMA quick_check(1)");
    damage = check.Step() == SQLITE_ROW ? check.Bytes(0) : "cannot be checked";
    if (damage != "ok") code = SQLITE_CORRUPT;
  }
  if (code == SQLITE_OK) return database;
  const std::string what = absl::StrCat(
      file.string(), ": ", damage.empty() ? sqlite3_errmsg(opened) : damage);
  if (Damaged(code)) return absl::DataLossError(what);
  if (code == SQLITE_BUSY) {
    return absl::FailedPreconditionError(
        absl::StrCat(file.parent_path().string(),
                     ": another server keeps its state in this folder; each "
                     "server needs its own"));
  }
  return absl::UnavailableError(what);
}

SqliteStore::SqliteStore(std::filesystem::path file, Database database)
    : file_(std::move(file)),
      database_(std::move(database)),
      replace_(std::make_unique<Statement>(
          database_.get(), "REPLACE INTO sessions VALUES(?1, ?2, ?3)")),
      forget_(std::make_unique<Statement>(
          database_.get(), "DELETE FROM sessions WHERE key = ?1")),
      forget_loads_(std::make_unique<Statement>(
          database_.get(), "DELETE FROM loads WHERE key = ?1")),
      forget_decisions_(std::make_unique<Statement>(
          database_.get(), "DELETE FROM decisions WHERE key = ?1")),
      append_(std::make_unique<Statement>(
          database_.get(), "REPLACE INTO decisions VALUES(?1, ?2, ?3, ?4)")),
      remove_(std::make_unique<Statement>(
          database_.get(),
          "DELETE FROM sessions WHERE key = ?1 AND incarnation = ?2")),
      remove_decisions_(std::make_unique<Statement>(
          database_.get(),
          "DELETE FROM decisions WHERE key = ?1 AND incarnation = ?2")) {}

SqliteStore::~SqliteStore() = default;

absl::Status SqliteStore::Failure() const {
  return absl::UnavailableError(
      absl::StrCat(file_.string(), ": ", sqlite3_errmsg(database_.get())));
}

absl::Status SqliteStore::Run(const char* sql) {
  const int code =
      sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure();
}

absl::StatusOr<Written> SqliteStore::Write(
    absl::Span<const StateChange> changes) {
  RETURN_IF_ERROR(Run("BEGIN IMMEDIATE"));
  absl::Status status;
  // Writes something even without changes, or a full disk would seem to work.
  if (changes.empty()) status = Run("PRAGMA user_version = 1");
  for (const StateChange& change : changes) {
    status = Apply(change);
    if (!status.ok()) break;
  }
  if (status.ok()) status = Run("COMMIT");
  if (status.ok()) return Written();
  (void)Run("ROLLBACK");  // SQLite may have rolled back already.
  return status;
}

absl::Status SqliteStore::Apply(const StateChange& change) {
  const std::string& key = change.name.key;
  const uint64_t incarnation = change.name.incarnation;
  bool done = true;
  switch (change.kind) {
    case StateChange::Kind::kCreate:
    case StateChange::Kind::kReplace: {
      const std::string sealed =
          Seal(kKeptSessionFormat, change.session.SerializeAsString());
      done =
          replace_->Bind(1, key).Bind(2, incarnation).Bind(3, sealed).Run() &&
          forget_loads_->Bind(1, key).Run() &&
          forget_decisions_->Bind(1, key).Run();
      break;
    }
    case StateChange::Kind::kAppend: {
      const std::string sealed =
          Seal(kKeptDecisionFormat, change.decision.SerializeAsString());
      done = append_->Bind(1, key)
                 .Bind(2, incarnation)
                 .Bind(3, change.decision.answer().decision_index())
                 .Bind(4, sealed)
                 .Run();
      break;
    }
    case StateChange::Kind::kRemove:
      done = remove_->Bind(1, key).Bind(2, incarnation).Run() &&
             remove_decisions_->Bind(1, key).Bind(2, incarnation).Run();
      break;
    case StateChange::Kind::kSetAside:
      return SetAside(key, change.why);
  }
  return done ? absl::OkStatus() : Failure();
}

absl::StatusOr<std::vector<KeptSession>> SqliteStore::Load() {
  std::vector<KeptSession> sessions;
  std::vector<StateChange> damaged;
  // Drop what closed sessions left: decisions that ended after the closing, and
  // the number of times that the session was loaded.
  RETURN_IF_ERROR(
      Run("DELETE FROM decisions WHERE NOT EXISTS (SELECT 1 FROM sessions "
          "WHERE sessions.key = decisions.key AND "
          "sessions.incarnation = decisions.incarnation); "
          "DELETE FROM loads WHERE key NOT IN (SELECT key FROM sessions)"));
  Statement all(database_.get(),
                "SELECT key, incarnation, sealed, coalesce(times, 0) "
                "FROM sessions LEFT JOIN loads USING (key)");
  int code;
  while ((code = all.Step()) == SQLITE_ROW) {
    KeptSession kept;
    kept.name = {all.Bytes(0), all.Number(1)};
    const auto bytes = Unseal(kKeptSessionFormat, all.Bytes(2));
    if (!bytes.ok() || !kept.session.ParseFromString(*bytes)) {
      damaged.push_back({StateChange::Kind::kSetAside,
                         kept.name,
                         {},
                         {},
                         "its saved state is damaged"});
      continue;
    }
    kept.session.set_epoch(kept.session.epoch() + all.Number(3));
    ASSIGN_OR_RETURN(kept.decisions, Decisions(kept.name.key));
    sessions.push_back(std::move(kept));
  }
  if (code != SQLITE_DONE) return Failure();
  RETURN_IF_ERROR(Write(damaged).status());
  // Makes epochs grow at each restart, even if a session was not written as a
  // whole in between.
  RETURN_IF_ERROR(
      Run("INSERT INTO loads SELECT key, 1 FROM sessions WHERE true "
          "ON CONFLICT(key) DO UPDATE SET times = times + 1"));
  return sessions;
}

absl::StatusOr<std::vector<v1::SavedDecision>> SqliteStore::Decisions(
    const std::string& key) {
  std::vector<v1::SavedDecision> decisions;
  Statement rows(database_.get(),
                 "SELECT sealed FROM decisions WHERE key = ?1 ORDER BY "
                 "decision");
  rows.Bind(1, key);
  int code;
  while ((code = rows.Step()) == SQLITE_ROW) {
    const auto bytes = Unseal(kKeptDecisionFormat, rows.Bytes(0));
    v1::SavedDecision decision;
    if (!bytes.ok() || !decision.ParseFromString(*bytes)) {
      LogError("state damaged", {{"file", file_.string()},
                                 {"decisions_kept", decisions.size()}});
      return decisions;
    }
    decisions.push_back(std::move(decision));
  }
  return code == SQLITE_DONE ? absl::StatusOr<std::vector<v1::SavedDecision>>(
                                   std::move(decisions))
                             : Failure();
}

absl::Status SqliteStore::SetAside(const std::string& key,
                                   const std::string& why) {
  LogError("state set aside", {{"file", file_.string()}, {"why", why}});
  const std::string at = absl::FormatTime(absl::Now(), absl::UTCTimeZone());
  Statement session(database_.get(),
                    "INSERT INTO sessions_set_aside "
                    "SELECT key, sealed, ?2, ?3 FROM sessions WHERE key = ?1");
  Statement decisions(
      database_.get(),
      "INSERT INTO decisions_set_aside "
      "SELECT key, decision, sealed, ?2 FROM decisions WHERE key = ?1");
  const bool done = session.Bind(1, key).Bind(2, why).Bind(3, at).Run() &&
                    decisions.Bind(1, key).Bind(2, at).Run() &&
                    forget_->Bind(1, key).Run() &&
                    forget_decisions_->Bind(1, key).Run();
  return done ? absl::OkStatus() : Failure();
}

}  // namespace foresight
