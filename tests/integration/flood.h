// Many careless clients at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {

// Floods a server from its construction to its destruction. Each kind of client
// has its own connection:
//   backlog     16 streams, each with 256 stateless decisions of 20 steps
//               always unanswered, without a deadline;
//   hurry       stateless calls with a budget of 5 ms;
//   greed       calls for 1000 steps with a deadline of 10 s;
//   long ids    calls and streamed requests with ids of 1 MiB;
//   deaf        streams that write and never read;
//   killed      processes with sessions and streams, ended by SIGKILL.
class Flood {
 public:
  // `endless_client` is the path of that program.
  Flood(const std::string& address, const std::string& endless_client);
  ~Flood();

  int64_t answered() const { return answered_; }  // Decisions.
  int64_t refused() const { return refused_; }
  int64_t killed() const { return killed_; }  // Processes.

 private:
  // A thread and its call, which may be cancelled.
  struct Attacker {
    std::unique_ptr<v1::Adaptation::Stub> stub;
    absl::Mutex mutex;
    std::unique_ptr<grpc::ClientContext> context ABSL_GUARDED_BY(mutex);
    std::thread thread;
  };
  using Attack = void (Flood::*)(Attacker&);

  void Launch(int threads, Attack attack);
  void Count(bool answered);
  // Returns the context for the attacker's next call; null if the flood is
  // over.
  grpc::ClientContext* NewCall(Attacker& attacker);
  v1::ActRequest Stateless(uint32_t steps) const;
  bool Call(Attacker& attacker, const v1::ActRequest& request);

  void Backlog(Attacker& attacker);
  void Hurry(Attacker& attacker);
  void Greed(Attacker& attacker);
  void LongIds(Attacker& attacker);
  void LongIdsStreamed(Attacker& attacker);
  void BeDeaf(Attacker& attacker);
  void BeKilled(Attacker& attacker);

  const std::string address_;
  const std::string endless_client_;
  int observation_size_ = 0;
  std::atomic<bool> over_ = false;
  std::atomic<int64_t> answered_ = 0;
  std::atomic<int64_t> refused_ = 0;
  std::atomic<int64_t> killed_ = 0;
  std::vector<std::unique_ptr<Attacker>> attackers_;
};

}  // namespace foresight
