#include "server/durability/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "tests/support/captured_stderr.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = StateChange::Kind;

StateChange Replace(const std::string& key, uint64_t next,
                    uint64_t incarnation = 1) {
  StateChange change{Kind::kReplace, {key, incarnation}, {}, {}, ""};
  change.session.set_session_id(key);
  change.session.set_next_decision(next);
  return change;
}

StateChange Append(const std::string& key, uint64_t decision,
                   uint64_t incarnation = 1) {
  StateChange change{Kind::kAppend, {key, incarnation}, {}, {}, ""};
  change.decision.mutable_answer()->set_decision_index(decision);
  return change;
}

StateChange Remove(const std::string& key, uint64_t incarnation = 1) {
  return {Kind::kRemove, {key, incarnation}, {}, {}, ""};
}

// While it exists, it counts the syncs of SQLite's write-ahead logs and can
// make their disk full.
class WatchedDisk {
 public:
  WatchedDisk() {
    system_ = sqlite3_vfs_find(nullptr);
    syncs_ = 0;
    full_ = false;
    disk_ = *system_;
    disk_.zName = "watched";
    disk_.xOpen = OpenFile;
    sqlite3_vfs_register(&disk_, /*makeDflt=*/1);
  }
  ~WatchedDisk() {
    sqlite3_vfs_unregister(&disk_);
    sqlite3_vfs_register(system_, /*makeDflt=*/1);
  }
  int syncs() const { return syncs_; }
  void SetFull(bool full) { full_ = full; }

 private:
  static int OpenFile(sqlite3_vfs*, const char* name, sqlite3_file* file,
                      int flags, int* out_flags) {
    const int code = system_->xOpen(system_, name, file, flags, out_flags);
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
    files_ = file->pMethods;
    watched_ = *files_;
    watched_.xSync = [](sqlite3_file* synced, int how) {
      ++syncs_;
      return files_->xSync(synced, how);
    };
    watched_.xWrite = [](sqlite3_file* written, const void* bytes, int size,
                         sqlite3_int64 offset) {
      return full_ ? SQLITE_FULL : files_->xWrite(written, bytes, size, offset);
    };
    file->pMethods = &watched_;
    return code;
  }

  // Static, since SQLite calls plain functions.
  static sqlite3_vfs* system_;
  static sqlite3_vfs disk_;
  static const sqlite3_io_methods* files_;
  static sqlite3_io_methods watched_;
  static int syncs_;
  static bool full_;
};

sqlite3_vfs* WatchedDisk::system_ = nullptr;
sqlite3_vfs WatchedDisk::disk_;
const sqlite3_io_methods* WatchedDisk::files_ = nullptr;
sqlite3_io_methods WatchedDisk::watched_;
int WatchedDisk::syncs_ = 0;
bool WatchedDisk::full_ = false;

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreTest() { Open(); }
  void Open() {
    store_.reset();
    auto store = SqliteStore::Open(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void Write(const std::vector<StateChange>& changes) {
    const absl::Status written = store_->Write(changes).status();
    ASSERT_TRUE(written.ok()) << written;
  }
  std::vector<KeptSession> Load() {
    auto kept = store_->Load();
    EXPECT_TRUE(kept.ok()) << kept.status();
    return kept.ok() ? *std::move(kept) : std::vector<KeptSession>();
  }
  // Runs `sql` on the closed database.
  void Tamper(const char* sql) {
    store_.reset();
    sqlite3* database;
    const std::string file = (folder_.path() / SqliteStore::kFile).string();
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    Open();
  }

  TemporaryFolder folder_;
  std::unique_ptr<StateStore> store_;
};

TEST_F(SqliteStoreTest, ASessionAndItsDecisionsComeBack) {
  Write({Replace("a", 3), Append("a", 4), Append("a", 3), Replace("b", 0)});
  Open();
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].name.key, "a");
  EXPECT_EQ(kept[0].session.next_decision(), 3u);
  ASSERT_EQ(kept[0].decisions.size(), 2u);
  EXPECT_EQ(kept[0].decisions[0].answer().decision_index(), 3u);
  EXPECT_EQ(kept[0].decisions[1].answer().decision_index(), 4u);
  EXPECT_THAT(kept[1].decisions, IsEmpty());
}

TEST_F(SqliteStoreTest, TheWholeReplacesTheDecisionsBefore) {
  Write({Replace("a", 0), Append("a", 0), Replace("a", 1), Append("a", 1)});
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 1u);
  ASSERT_EQ(kept[0].decisions.size(), 1u);
  EXPECT_EQ(kept[0].decisions[0].answer().decision_index(), 1u);
}

TEST_F(SqliteStoreTest, TheEpochGrowsAtEachLoad) {
  const auto epoch = [&] { return Load().at(0).session.epoch(); };
  StateChange session = Replace("a", 0);
  session.session.set_epoch(5);
  Write({session});
  EXPECT_EQ(epoch(), 5u);  // The reader adds one for itself.
  Open();
  Write({Append("a", 0)});
  EXPECT_EQ(epoch(), 6u);
  Open();
  EXPECT_EQ(epoch(), 7u);
  // The session is stored as a whole, in the epoch that it has by then.
  session.session.set_epoch(8);
  Write({session});
  EXPECT_EQ(epoch(), 8u);
}

TEST_F(SqliteStoreTest, ARemovedSessionIsGone) {
  Write({Replace("a", 0), Append("a", 0)});
  Write({Remove("a")});
  EXPECT_THAT(Load(), IsEmpty());
}

TEST_F(SqliteStoreTest, NothingIsLeftOfARemovedSession) {
  Write({Replace("a", 0), Append("a", 0), Replace("b", 0)});
  Load();
  Write({Remove("a"), Append("a", 1)});
  Open();
  EXPECT_EQ(Load().size(), 1u);
  // Fails unless only "b" has a row.
  Tamper(
      "CREATE TABLE check_rows(ok CHECK(ok));"
      "INSERT INTO check_rows SELECT count(*) = 1 FROM loads;"
      "INSERT INTO check_rows SELECT count(*) = 0 FROM decisions;");
}

TEST_F(SqliteStoreTest, LateChangesOfAnEarlierSessionDoNotTouchItsSuccessor) {
  Write({Replace("a", 0, 1), Replace("a", 0, 2), Append("a", 0, 2)});
  Write({Append("a", 0, 1), Remove("a", 1)});
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].name.incarnation, 2u);
  EXPECT_EQ(kept[0].decisions.size(), 1u);
}

TEST_F(SqliteStoreTest, DamageToADecisionCostsThoseAfterIt) {
  Write({Replace("a", 0), Append("a", 0), Append("a", 1), Append("a", 2),
         Replace("b", 7)});
  Tamper("UPDATE decisions SET sealed = 'x' WHERE decision = 1");
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].decisions.size(), 1u);
  EXPECT_EQ(kept[1].session.next_decision(), 7u);
}

TEST_F(SqliteStoreTest, ADamagedSessionIsSetAsideAlone) {
  Write({Replace("a", 0), Replace("b", 7)});
  Tamper("UPDATE sessions SET sealed = 'x' WHERE key = CAST('a' AS BLOB)");
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].name.key, "b");
  // Fails unless the damaged row is now among those set aside.
  Tamper(
      "CREATE TABLE check_rows(ok CHECK(ok));"
      "INSERT INTO check_rows SELECT count(*) = 1 FROM sessions_set_aside;"
      "INSERT INTO check_rows SELECT count(*) = 1 FROM sessions;");
}

TEST_F(SqliteStoreTest, StateSetAsideIsNotLoadedAgain) {
  Write({Replace("a", 0), Append("a", 0), Replace("b", 7)});
  StateChange aside = Remove("a");
  aside.kind = Kind::kSetAside;
  aside.why = "other weights";
  Write({aside});
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].name.key, "b");
  Tamper("INSERT INTO sessions SELECT key, 1, sealed FROM sessions_set_aside");
  EXPECT_EQ(Load().size(), 2u);  // Every byte of it was stored.
}

TEST_F(SqliteStoreTest, AFolderHasOneServer) {
  const auto second = SqliteStore::Open(folder_.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(),
              HasSubstr(folder_.path().string() + ": another server"));
}

TEST_F(SqliteStoreTest, ADamagedPageIsFoundAtTheStart) {
  Write({Replace("a", 0)});
  store_.reset();
  const auto file = folder_.path() / SqliteStore::kFile;
  const auto size = std::filesystem::file_size(file);
  ASSERT_GT(size, 2 * 4096u);
  std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(4096);  // The first page can be read.
  damaged << std::string(size - 4096, '\xff');
  damaged.close();
  const CapturedStderr log;
  Open();
  EXPECT_THAT(log.Text(), HasSubstr("in database main"));
  EXPECT_THAT(Load(), IsEmpty());
  EXPECT_TRUE(
      std::filesystem::exists(folder_.path() / "sessions.db.damaged-1"));
}

TEST_F(SqliteStoreTest, AForeignFileIsRenamedAndTheStoreBeginsAnew) {
  Write({Replace("a", 0)});
  store_.reset();
  std::ofstream(folder_.path() / SqliteStore::kFile) << std::string(5000, 'x');
  Open();
  EXPECT_THAT(Load(), IsEmpty());
  EXPECT_TRUE(
      std::filesystem::exists(folder_.path() / "sessions.db.damaged-1"));
}

TEST_F(SqliteStoreTest, ATransactionIsSyncedBeforeWriteReturns) {
  const WatchedDisk disk;
  Open();
  Write({Replace("a", 0)});
  for (int n = 0; n < 3; ++n) {
    const int before = disk.syncs();
    Write({Append("a", n)});
    EXPECT_GT(disk.syncs(), before);
  }
  store_.reset();  // Before its disk.
}

TEST_F(SqliteStoreTest, AFullDiskTakesNothingAndTheStoreGoesOnOnceItHasSpace) {
  WatchedDisk disk;
  Open();
  Write({Replace("a", 3)});
  disk.SetFull(true);
  for (int n = 0; n < 2; ++n) {
    const absl::Status full = store_->Write({Append("a", 3)}).status();
    EXPECT_TRUE(absl::IsUnavailable(full)) << full;
    EXPECT_THAT(full.message(), HasSubstr("sessions.db"));
    EXPECT_TRUE(absl::IsUnavailable(store_->Write({}).status()));
  }
  disk.SetFull(false);
  Write({Replace("b", 7)});
  Open();
  const auto kept = Load();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_THAT(kept[0].decisions, IsEmpty());
  EXPECT_EQ(kept[1].session.next_decision(), 7u);
  store_.reset();  // Before its disk.
}

TEST_F(SqliteStoreTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(folder_.path() / "file") << "x";
  const auto store = SqliteStore::Open(folder_.path() / "file" / "below");
  EXPECT_EQ(store.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(store.status().message(), HasSubstr("file/below"));
}

}  // namespace
}  // namespace foresight
