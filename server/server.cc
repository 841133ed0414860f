#include "server/server.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <filesystem>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/model_operations.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/session_operations.h"
#include "server/decisions/take_overs.h"
#include "server/durability/journal.h"
#include "server/durability/redis_address.h"
#include "server/durability/redis_store.h"
#include "server/durability/sqlite_store.h"
#include "server/metrics/metrics.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/metrics/process_metrics.h"
#include "server/registry/model_registry.h"
#include "server/scheduling/scheduler.h"
#include "server/scheduling/timer.h"
#include "server/security/security.h"
#include "server/service/adaptation_service.h"
#include "server/service/admin_service.h"
#include "server/service/connections.h"
#include "server/sessions/session_store.h"
#include "server/support/clock.h"
#include "server/support/cpu_count.h"
#include "server/support/error.h"
#include "server/support/event.h"
#include "server/support/log.h"
#include "server/support/task_thread.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr char kServiceName[] = "foresight.v1.Adaptation";
// Time for cancelled work to end: one adaptation step, however long.
constexpr absl::Duration kStopTimeout = absl::Seconds(10);
// While gRPC shuts down it answers new calls with CANCELLED. So wait until no
// call has arrived for a while, or give up.
constexpr absl::Duration kQuiet = absl::Milliseconds(100);
constexpr absl::Duration kQuietTimeout = absl::Seconds(2);
// How often to look at the connections.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
// Engines keep memory for as many concurrent decisions as there were within
// this time.
constexpr absl::Duration kKeepScratch = absl::Seconds(10);
// Time for calls that never end by themselves, such as health's Watch.
constexpr absl::Duration kGrace = absl::Seconds(1);

// An administrator's request holds at most a name.
constexpr int kMaxAdminMessage = 64 << 10;

constexpr int kMaxMetadataBytes = 8 << 10;
// Time from a connection's beginning to its first HTTP/2 settings, TLS
// included. With gRPC's default of two minutes, silent peers would pile up.
constexpr int kHandshakeMilliseconds = 10000;

// A snapshot's bytes besides psi: observation, answer, settings.
constexpr size_t kSnapshotRest = 64 << 10;

// gRPC has one limit for the messages of all methods, so it must allow a
// snapshot of the largest policy.
int MaxReceiveSize(const ServerOptions& options, const ModelRegistry& models) {
  size_t size = options.streams.max_message_bytes;
  for (const auto& model : models.List()) {
    const size_t psi = model->engine->sizeof_parameters();
    size = std::max(size, psi + kSnapshotRest);
  }
  return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

void SetArguments(const ServerOptions& options, grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.max_connection_calls);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             kHandshakeMilliseconds);
  // Sessions of a connection without calls have expired by then.
  builder.AddChannelArgument(
      GRPC_ARG_MAX_CONNECTION_IDLE_MS,
      static_cast<int>(std::min<int64_t>(
          absl::ToInt64Milliseconds(options.operations.max_idle_timeout +
                                    absl::Minutes(1)),
          std::numeric_limits<int>::max())));
  grpc::ResourceQuota quota("foresight");
  quota.Resize(options.max_transport_bytes);
  builder.SetResourceQuota(quota);
  // Tells which connections are alive (connections.h).
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 1);
  // Otherwise a second server on the same port would take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients may ping often to check that their control loop is connected.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A peer that vanishes silently is noticed within 40 s.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
}

// `options.state` must be set.
RedisAddress StoreAddress(const ServerOptions& options) {
  RedisAddress address = *ParseRedisAddress(options.state);
  address.ca_file = options.state_tls_ca;
  return address;
}

// Null if nothing is kept.
// Errors: as SqliteStore::Open; PermissionDenied: the shared store refuses the
// server. A store that does not answer is not an error: it may come back.
absl::StatusOr<std::unique_ptr<StateStore>> OpenStore(
    const ServerOptions& options) {
  if (!options.state_dir.empty()) return SqliteStore::Open(options.state_dir);
  if (options.state.empty()) return std::unique_ptr<StateStore>();
  auto store = std::make_unique<RedisStore>(StoreAddress(options),
                                            RedisStore::Options());
  const absl::Status answer = store->Write({}).status();
  if (absl::IsPermissionDenied(answer)) return answer;
  return std::unique_ptr<StateStore>(std::move(store));
}

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

struct Server::Parts {
  // `store` is null if nothing is kept. It is shared if the options have
  // `state`.
  Parts(const ServerOptions& server_options, const std::string& version,
        const EngineFactory& make_engine, std::unique_ptr<StateStore> store)
      : options(server_options),
        metrics(version),
        models(options.registry),
        journal(store == nullptr ? nullptr
                                 : std::make_unique<Journal>(JournalOptions(),
                                                             std::move(store))),
        keeper(KeeperOptions(), journal.get()),
        sessions(StoreOptions()),
        take_overs(options.state.empty()
                       ? nullptr
                       : std::make_unique<TakeOvers>(TakeOvers::Options(),
                                                     TakeOverParts())),
        scheduler(std::make_unique<Scheduler>(SchedulerOptions())),
        maker(options.decisions, options.requests,
              {&models, &sessions, &keeper, scheduler.get(), &timer, &metrics,
               take_overs.get()}),
        operations(options.operations, options.requests, &models, &sessions,
                   &keeper, &metrics, MonotonicNow, take_overs.get()),
        model_operations(options.model_root,
                         {make_engine, &models, &sessions, &metrics}),
        service(options.streams,
                {&models, &operations, &maker, &metrics,
                 [this](const grpc::CallbackServerContext& context) {
                   return Identify(context);
                 }}),
        admin({&model_operations, &operations,
               [this](AdminService::Drained done) {
                 StartDraining(std::move(done));
               },
               &metrics,
               [this](const grpc::CallbackServerContext& context) {
                 return Identify(context);
               }}),
        drainer(std::make_unique<TaskThread>(TaskThread::Options())) {
    metrics.sessions_limit.Set(options.sessions.max_sessions);
    metrics.model_generations_limit.Set(options.registry.max_generations);
    metrics.queue_limit.Set(options.scheduler.queue.max_size);
  }

  SessionStore::Options StoreOptions();
  Scheduler::Options SchedulerOptions() const;
  Journal::Options JournalOptions();
  SessionKeeper::Options KeeperOptions() const;
  TakeOvers::Parts TakeOverParts();
  absl::Status Secure();
  absl::StatusOr<Caller> Identify(
      const grpc::CallbackServerContext& context) const;
  absl::Status Resume(const std::vector<KeptSession>& kept);
  absl::Status LoadModels();
  absl::Status ListenForMetrics();
  void SetReadiness(Readiness readiness);
  absl::Status Listen();
  absl::Status ListenForAdministrators();
  absl::Status WritePortFile();
  void FreeIdleSessions();
  void MeasureJournal();
  void AwaitQuiet();
  absl::StatusOr<int> KeepSessions();
  // Drains only once; later calls wait for the end of the first.
  void Drain();
  void StartDraining(AdminService::Drained done);
  void Shutdown();

  const ServerOptions options;
  Metrics metrics;
  ModelRegistry models;
  std::atomic<bool> ended = false;   // Declared first: the journal reads it.
  std::unique_ptr<Journal> journal;  // Null: nothing is kept.
  SessionKeeper keeper;
  SessionStore sessions;
  std::unique_ptr<TakeOvers> take_overs;  // Null: no store is shared.
  Timer timer;
  std::unique_ptr<Scheduler> scheduler;
  DecisionMaker maker;
  SessionOperations operations;
  ModelOperations model_operations;
  AdaptationService service;
  AdminService admin;
  std::unique_ptr<Security> security;
  std::unique_ptr<grpc::Server> grpc_server;
  std::unique_ptr<grpc::Server> admin_server;  // Null: off.
  std::unique_ptr<MetricsEndpoint> endpoint;
  std::string address;
  std::string admin_address;  // Empty: off.
  bool wrote_port_file = false;
  std::once_flag drain_once;
  absl::StatusOr<int> snapshots = 0;  // Sessions kept; set by Drain.
  std::unique_ptr<TaskThread> drainer;
  Event stopping;
  std::thread housekeeper;
};

SessionStore::Options Server::Parts::StoreOptions() {
  SessionStore::Options storing = options.sessions;
  storing.ended = [this](const SessionState& session) {
    keeper.Ended(session);
  };
  return storing;
}

Scheduler::Options Server::Parts::SchedulerOptions() const {
  Scheduler::Options scheduling = options.scheduler;
  // More lanes would wait for the same GPU; one has larger batches.
  const int automatic = options.engine.device == "cpu" ? AvailableCpus() : 1;
  scheduling.queue.lanes = options.threads > 0 ? options.threads : automatic;
  return scheduling;
}

TakeOvers::Parts Server::Parts::TakeOverParts() {
  return {[this] {
            RedisStore::Options store;
            store.forget_taken =
                options.journal.durability == Durability::kNone;
            return std::make_unique<RedisStore>(StoreAddress(options), store);
          },
          &sessions,
          [this](const KeptSession& kept) { return operations.Resume(kept); },
          [this](const SessionName& name) { operations.NoteLost(name); }};
}

Journal::Options Server::Parts::JournalOptions() {
  Journal::Options journaling = options.journal;
  journaling.probe = !options.state.empty();
  journaling.fenced = [this](const KeptName& name) {
    if (!ended) operations.Lose(name);
  };
  return journaling;
}

SessionKeeper::Options Server::Parts::KeeperOptions() const {
  SessionKeeper::Options keeping = options.keeper;
  keeping.shared = !options.state.empty();
  return keeping;
}

absl::Status Server::Parts::Resume(const std::vector<KeptSession>& kept) {
  // `kept` is empty for a shared store, which need not work now.
  if (kept.empty()) return absl::OkStatus();
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int lane = 0; lane < scheduler->lanes(); ++lane) {
    threads.emplace_back([&] {
      for (size_t i; (i = next++) < kept.size();) {
        const absl::Status resumed = operations.Resume(kept[i]);
        if (!resumed.ok()) {
          journal->SetAside(kept[i].name, std::string(resumed.message()));
        } else if (journal->durability() == Durability::kNone) {
          // Forget it now, so that after a kill the client hears it is lost.
          journal->Remove(kept[i].name);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return journal->Flush();
}

absl::Status Server::Parts::Secure() {
  RETURN_IF_ERROR(CheckExposure(options));
  ASSIGN_OR_RETURN(
      security,
      Security::Create(
          options.security,
          {[this](const absl::Status& status) { metrics.CountRefusal(status); },
           [this](absl::Time expiry) { metrics.SetCertificateExpiry(expiry); },
           [this] { metrics.certificate_reload_failures.Increment(); }}));
  if (options.insecure && options.security.certificates.certificate.empty()) {
    LogWarning("serving in plain text",
               {{"risk",
                 "others on the network can read and change what clients "
                 "send, tokens included"}});
  }
  return absl::OkStatus();
}

absl::StatusOr<Caller> Server::Parts::Identify(
    const grpc::CallbackServerContext& context) const {
  Caller caller;
  caller.connection = context.peer();
  ASSIGN_OR_RETURN(caller.identity, security->Identify(context));
  return caller;
}

absl::Status Server::Parts::LoadModels() {
  for (const std::string& folder : options.models) {
    RETURN_IF_ERROR(model_operations.Add(folder));
  }
  return absl::OkStatus();
}

absl::Status Server::Parts::ListenForMetrics() {
  if (options.metrics_listen == "off") return absl::OkStatus();
  ASSIGN_OR_RETURN(
      endpoint, MetricsEndpoint::Create(
                    options.metrics_listen,
                    {metrics.registry(), std::make_shared<ProcessMetrics>()}));
  LogInfo("serving metrics",
          {{"address", WithPort(options.metrics_listen, endpoint->port())}});
  return absl::OkStatus();
}

void Server::Parts::SetReadiness(Readiness readiness) {
  if (endpoint != nullptr) endpoint->SetReadiness(readiness);
}

absl::Status Server::Parts::Listen() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetArguments(options, builder);
  builder.SetMaxReceiveMessageSize(MaxReceiveSize(options, models));
  int port = 0;
  builder.AddListeningPort(options.listen, security->Credentials(), &port);
  builder.RegisterService(&service);
  grpc_server = builder.BuildAndStart();
  if (grpc_server == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen,
                     ": the address is taken or not this machine's"));
  }
  address = WithPort(options.listen, port);
  grpc_server->GetHealthCheckService()->SetServingStatus(kServiceName, true);
  SetReadiness(Readiness::kServing);
  return absl::OkStatus();
}

absl::Status Server::Parts::ListenForAdministrators() {
  if (options.admin_listen == "off") return absl::OkStatus();
  grpc::ServerBuilder builder;
  SetArguments(options, builder);
  builder.SetMaxReceiveMessageSize(kMaxAdminMessage);
  int port = 0;
  builder.AddListeningPort(options.admin_listen, security->Credentials(),
                           &port);
  builder.RegisterService(&admin);
  admin_server = builder.BuildAndStart();
  if (admin_server == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.admin_listen,
                     ": the address is taken or not this machine's"));
  }
  admin_address = WithPort(options.admin_listen, port);
  LogInfo("serving administrators", {{"address", admin_address}});
  return absl::OkStatus();
}

absl::Status Server::Parts::WritePortFile() {
  if (options.port_file.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(WriteFileAtomically(options.port_file, address + "\n"));
  wrote_port_file = true;  // Only our own file is removed.
  return absl::OkStatus();
}

void Server::Parts::FreeIdleSessions() {
  absl::Duration pause;
  size_t before = 0;
  absl::Time looked = absl::InfinitePast();
  do {
    if (const absl::Time now = MonotonicNow(); now - looked > kLookAgain) {
      looked = now;
      if (const auto alive = AliveConnections()) {
        sessions.KeepConnections(*alive);
      }
    }
    operations.Expire();
    MeasureJournal();
    metrics.queued_decisions.Set(scheduler->size());
    metrics.psi_bytes.Set(sessions.owned_bytes());
    size_t released = 0;
    for (const auto& model : models.InMemory()) {
      released += model->engine->ReleaseScratch(MonotonicNow() - kKeepScratch);
    }
    released += model_operations.FreeUnused();
    // Return freed memory to the operating system, but not in the middle of
    // control loops, since returning it holds the heap's locks.
    const size_t now_open = sessions.size();
    if ((now_open < before || released > 0) &&
        maker.AwaitIdle(absl::ZeroDuration())) {
      malloc_trim(0);
      before = now_open;
    }
    before = std::max(before, now_open);
    pause = std::clamp(sessions.next_expiry() - MonotonicNow(),
                       absl::Milliseconds(50), absl::Seconds(1));
  } while (!stopping.WaitFor(pause));
}

void Server::Parts::MeasureJournal() {
  if (journal == nullptr) return;
  metrics.SetJournalUp(journal->available());
  const auto count = [](uint64_t total, prometheus::Counter& counter) {
    counter.Increment(static_cast<double>(total) - counter.Value());
  };
  count(journal->failures(), metrics.journal_failures);
  count(journal->lost_changes(), metrics.journal_lost_changes);
}

void Server::Parts::AwaitQuiet() {
  const absl::Time give_up = MonotonicNow() + kQuietTimeout;
  uint64_t before;
  do {
    before = service.refused();
    absl::SleepFor(kQuiet);
  } while (service.refused() != before && MonotonicNow() < give_up);
}

absl::StatusOr<int> Server::Parts::KeepSessions() {
  if (journal == nullptr) return 0;
  // Needed at every durability: a store that failed for a while lacks the
  // latest state of sessions that have not decided since then.
  absl::StatusOr<int> kept = keeper.KeepAll(sessions, MonotonicNow());
  if (!kept.ok()) {
    LogError("sessions are lost", {{"error", kept.status().message()}});
  }
  return kept;
}

void Server::Parts::Drain() {
  std::call_once(drain_once, [this] {
    // Clients move to other servers as soon as they hear of the draining; their
    // last decisions must be kept by then.
    if (take_overs != nullptr) {
      const absl::Status safe = keeper.PrepareToMove(sessions, MonotonicNow());
      if (!safe.ok()) {
        LogError("sessions are lost", {{"error", safe.message()}});
      }
    }
    SetReadiness(Readiness::kDraining);
    grpc_server->GetHealthCheckService()->SetServingStatus(false);
    absl::SleepFor(options.shutdown_notice);
    LogInfo("draining");
    service.Drain();
    if (!maker.AwaitIdle(options.drain_timeout)) {
      LogWarning("drain timeout, cutting short what is still running");
      maker.Stop();
      maker.AwaitIdle(kStopTimeout);
    }
    snapshots = KeepSessions();
  });
}

void Server::Parts::StartDraining(AdminService::Drained done) {
  const bool runs = drainer->Run([this, done] {
    Drain();
    if (!snapshots.ok()) {
      return done(
          MakeError(Reason::kInternal,
                    absl::StrCat("drained, but sessions were not kept: ",
                                 snapshots.status().message())));
    }
    v1::DrainResponse response;
    response.set_snapshots(*snapshots);
    done(std::move(response));
  });
  if (runs) return;
  done(MakeError(Reason::kOverloaded, "too many callers wait for the drain",
                 absl::Seconds(1)));
}

void Server::Parts::Shutdown() {
  SetReadiness(Readiness::kDraining);
  if (grpc_server != nullptr) {
    Drain();
    AwaitQuiet();
    model_operations.Stop();
    const auto give_up =
        std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kGrace);
    if (admin_server != nullptr) admin_server->Shutdown(give_up);
    grpc_server->Shutdown(give_up);
  }
  drainer.reset();
  if (take_overs != nullptr) take_overs->Stop();
  // Once more, since calls other than decisions went on. It logs any failure.
  (void)KeepSessions();
  stopping.Set();
  if (housekeeper.joinable()) housekeeper.join();
  ended = true;
  if (wrote_port_file) {
    std::error_code ignored;  // The file may be gone.
    std::filesystem::remove(options.port_file, ignored);
  }
  endpoint.reset();
  scheduler.reset();  // Its threads use the parts above.
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, const std::string& version,
    const EngineFactory& make_engine) {
  if (!options.state.empty()) {
    RETURN_IF_ERROR(ParseRedisAddress(options.state).status());
  }
  ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store, OpenStore(options));
  std::vector<KeptSession> kept;
  if (store != nullptr) {
    ASSIGN_OR_RETURN(kept, store->Load());
  }
  auto parts =
      std::make_unique<Parts>(options, version, make_engine, std::move(store));
  Parts& started = *parts;
  // From here on the server's destructor cleans up.
  std::unique_ptr<Server> server(new Server(std::move(parts)));
  RETURN_IF_ERROR(started.Secure());
  RETURN_IF_ERROR(started.ListenForMetrics());  // Before the slow loading.
  RETURN_IF_ERROR(started.LoadModels());
  RETURN_IF_ERROR(started.Resume(kept));
  RETURN_IF_ERROR(started.Listen());
  RETURN_IF_ERROR(started.ListenForAdministrators());
  started.housekeeper = std::thread([&started] { started.FreeIdleSessions(); });
  RETURN_IF_ERROR(started.WritePortFile());
  LogInfo("listening",
          {{"address", started.address},
           {"version", version},
           {"threads", started.scheduler->lanes()},
           {"tls",
            options.security.certificates.certificate.empty() ? "no" : "yes"},
           {"identities", started.security->identifies() ? "yes" : "no"}});
  return server;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { Shutdown(); }

const std::string& Server::address() const { return parts_->address; }

const std::string& Server::admin_address() const {
  return parts_->admin_address;
}

int Server::metrics_port() const {
  return parts_->endpoint == nullptr ? 0 : parts_->endpoint->port();
}

void Server::ReloadModels() {
  parts_->model_operations.Reload(parts_->options.models);
}

void Server::Shutdown() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(shut_down_, true)) return;
  }
  parts_->Shutdown();
}

}  // namespace foresight
