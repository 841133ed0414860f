#include "tests/simulation/machine.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "models/bundle/random_bundle.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {

namespace {

// Only Sync makes the journal write.
constexpr absl::Duration kNever = absl::Hours(24);
// A server that ends lets decisions go on for this long.
constexpr absl::Duration kDrainTime = absl::Milliseconds(20);
// Waiting take-overs are made this often.
constexpr absl::Duration kTakeOverTime = absl::Milliseconds(2);

}  // namespace

Machine::Server::Server(const Options& options, const Clock& clock,
                        KeptSessions* kept)
    : journal(options.keeps || options.shared != nullptr
                  ? std::make_unique<Journal>(JournalOptions(),
                                              MakeStore(options, kept))
                  : nullptr),
      keeper({}, journal.get()),
      sessions([this] {
        SessionStore::Options storing;
        storing.ended = [this](const SessionState& session) {
          keeper.Ended(session);
        };
        return storing;
      }()),
      timer(clock, Timer::NoThread()) {
  Scheduler::Options scheduling;
  scheduling.queue = options.queue;
  scheduling.clock = clock;
  scheduling.threads = false;
  scheduler = std::make_unique<Scheduler>(scheduling);
  if (options.shared != nullptr) {
    store = std::make_unique<SharedMemoryStore>(options.shared, &ended);
    TakeOvers::Options taking;
    taking.threads = 0;
    take_overs = std::make_unique<TakeOvers>(
        taking, TakeOvers::Parts{nullptr, &sessions,
                                 [this](const KeptSession& taken) {
                                   return operations->Resume(taken);
                                 },
                                 [this](const SessionName& name) {
                                   operations->NoteLost(name);
                                 }});
  }
  maker = std::make_unique<DecisionMaker>(
      DecisionMaker::Options(), RequestLimits(),
      DecisionMaker::Parts{&models, &sessions, &keeper, scheduler.get(), &timer,
                           &metrics, take_overs.get()});
  operations = std::make_unique<SessionOperations>(
      SessionOperations::Options(), RequestLimits(), &models, &sessions,
      &keeper, &metrics, clock, take_overs.get());
}

Machine::Server::~Server() {
  ended = true;
  scheduler.reset();
}

std::unique_ptr<StateStore> Machine::Server::MakeStore(const Options& options,
                                                       KeptSessions* kept) {
  if (options.shared == nullptr) return std::make_unique<MemoryStore>(kept);
  return std::make_unique<SharedMemoryStore>(options.shared, &ended);
}

Journal::Options Machine::Server::JournalOptions() {
  Journal::Options options;
  options.durability = Durability::kInterval;
  options.interval = kNever;
  options.fenced = [this](const KeptName& name) {
    if (!ended) operations->Lose(name);
  };
  return options;
}

Machine::Machine(Options options, EventLoop* loop)
    : options_(options),
      loop_(loop),
      taken_from_(options.queue.lanes + 1),
      random_(options.seed) {
  for (const uint64_t seed : {1, 2}) {
    RandomBundleOptions bundle;
    bundle.seed = seed;
    bundles_.push_back(std::make_shared<const Bundle>(RandomBundle(bundle)));
    hashes_.push_back(bundles_.back()->manifest().weights_sha256());
  }
  horizon_ = bundles_.front()->defaults().horizon;
  StepCosts costs = options_.costs;
  costs.horizon = horizon_;
  engine_ = std::make_shared<CostlyEngine>(costs, options_.batch_limit,
                                           options_.seed, loop_->clock());
  StartServer();
  loop_->Add(this);
  if (options_.shared != nullptr) TakeOverSessions();
}

Machine::~Machine() = default;

void Machine::StartServer() {
  busy_.assign(lanes() + 1, false);
  server_ = std::make_unique<Server>(options_, read_, &kept_);
  if (!server_->models.Add(Load(served_)).ok()) std::abort();
}

LoadedModel Machine::Load(int which) {
  const StepCosts& costs = options_.costs;
  LoadedModel model;
  model.bundle = bundles_[which];
  model.engine = engine_;
  model.frozen_time = options_.frozen_time;
  model.default_step_time = options_.prior * (costs.base + costs.per_row);
  if (options_.batch_limit > 1) {
    model.default_further_time = options_.prior * costs.per_row;
  }
  model.id = ++models_loaded_;
  return model;
}

void Machine::Reload() {
  served_ = 1 - served_;
  ModelRegistry& models = server_->models;
  if (models.ServeAgain(bundles_[served_]->manifest()) == nullptr) {
    models.Serve(Load(served_));
  }
  models.FreeUnused();
}

std::map<std::string, std::string> Machine::SessionWeights() const {
  std::map<std::string, std::string> weights;
  v1::ListSessionsRequest request;
  do {
    const auto page = server_->operations->List(request);
    if (!page.ok()) std::abort();
    for (const v1::SessionSummary& session : page->sessions()) {
      weights[session.session_id()] = session.weights_sha256();
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return weights;
}

void Machine::Sync() {
  if (server_->journal != nullptr && !server_->journal->Flush().ok()) {
    std::abort();
  }
}

bool Machine::Idle() const {
  return queued() == 0 && in_flight() == 0 &&
         std::find(busy_.begin(), busy_.end(), true) == busy_.end();
}

void Machine::Restart(End end) {
  const KeptSessions::Content before = kept_.content();
  restarting_ = true;
  draining_ = end == End::kOrderly;
  if (draining_) Sync();
  if (end == End::kKill) {
    server_->ended = true;
    const auto calls = calls_;
    for (const auto& [number, call] : calls) {
      Finish(*call, absl::UnavailableError("the server was killed"));
    }
  }
  // Nobody sees what a killed server does from here on.
  server_->maker->Refuse();
  loop_->RunUntil(now() + kDrainTime);
  if (server_->take_overs != nullptr) server_->take_overs->Stop();
  server_->maker->Stop();
  while (!Idle()) loop_->RunUntil(now() + absl::Milliseconds(1));
  if (end == End::kOrderly &&
      !server_->keeper.KeepAll(server_->sessions, now()).ok()) {
    std::abort();
  }
  server_.reset();
  if (end == End::kKill) kept_.set_content(before);
  StartServer();
  for (const auto& [key, session] : kept_.content()) {
    if (!server_->operations->Resume(session).ok()) {
      server_->journal->SetAside(session.name, "it has other weights");
    }
  }
  restarting_ = draining_ = false;
  Sync();
}

void Machine::TakeOverSessions() {
  while (server_->take_overs->TakeNext(*server_->store)) {
  }
  loop_->At(now() + kTakeOverTime, [this] { TakeOverSessions(); });
}

absl::Time Machine::next() const {
  absl::Time next = server_->timer.next();
  if (!busy_[express()]) next = std::min(next, server_->scheduler->next_due());
  return next;
}

void Machine::Dispatch() {
  while (!busy_[express()] && server_->scheduler->next_due() <= now()) {
    if (!TakeTurn(express())) break;
  }
  for (int lane = 0; lane < lanes() && server_->scheduler->size() > 0; ++lane) {
    while (!busy_[lane] && TakeTurn(lane)) {
    }
  }
}

bool Machine::TakeTurn(int lane) {
  std::optional<Scheduler::Turn> turn = lane == express()
                                            ? server_->scheduler->TakeDue()
                                            : server_->scheduler->Take();
  if (!turn) return false;
  if (!server_->maker->Ready(*turn)) return true;
  const bool adapt = turn->adapt;
  busy_[lane] = true;
  server_->maker->lane(lane).Begin(*std::move(turn));
  if (adapt) {
    Advance(lane);
  } else {
    loop_->At(now() + options_.frozen_time, [this, lane] { Advance(lane); });
  }
  return true;
}

void Machine::Advance(int lane) {
  DecisionLane& decisions = server_->maker->lane(lane);
  busy_[lane] = decisions.Prepare();
  if (!busy_[lane]) return;
  engine_->Delay(std::exchange(taken_from_[lane], absl::ZeroDuration()));
  decisions.Step();
  const absl::Duration taken = engine_->taken();
  loop_->At(now() + taken, [this, lane, taken] {
    server_->maker->lane(lane).Complete(options_.told * taken);
    Advance(lane);
  });
}

v1::AdaptationSettings Machine::Settings(int steps, int cost) const {
  v1::AdaptationSettings settings;
  settings.set_steps(steps);
  settings.set_horizon(horizon_ * cost);
  return settings;
}

template <typename Call>
auto Machine::Change(Call call) -> decltype(call()) {
  if (restarting_) return DrainingError();
  auto result = call();
  Sync();
  return result;
}

absl::StatusOr<v1::Session> Machine::Open(const std::string& session, int steps,
                                          int cost) {
  v1::OpenSessionRequest request;
  request.set_session_id(session);
  request.set_seed(7);
  *request.mutable_settings() = Settings(steps, cost);
  return Change([&] { return server_->operations->Open(request); });
}

absl::StatusOr<v1::Session> Machine::Reset(const std::string& session) {
  v1::ResetSessionRequest request;
  request.set_session_id(session);
  return Change([&] { return server_->operations->Reset(request); });
}

absl::StatusOr<v1::Session> Machine::Move(const std::string& session) {
  if (restarting_) return DrainingError();
  v1::ExportSessionRequest request;
  request.set_session_id(session);
  using Snapshot = absl::StatusOr<v1::SessionSnapshot>;
  const auto exported = std::make_shared<Snapshot>(
      absl::InternalError("the export waits for a decision"));
  server_->operations->Export(request, Caller(), [exported](Snapshot snapshot) {
    *exported = std::move(snapshot);
  });
  RETURN_IF_ERROR(exported->status());
  RETURN_IF_ERROR(Close(session));
  return Change([&] { return server_->operations->Import(**exported); });
}

absl::Status Machine::Close(const std::string& session) {
  v1::CloseSessionRequest request;
  request.set_session_id(session);
  return Change([&] { return server_->operations->Close(request); });
}

void Machine::After(absl::Duration time, std::function<void()> action) {
  if (time == absl::ZeroDuration()) return action();
  const int lane = std::uniform_int_distribution<>(0, lanes() - 1)(random_);
  const bool core_is_free = std::find(busy_.begin(), busy_.begin() + lanes(),
                                      false) != busy_.begin() + lanes();
  if (!core_is_free) taken_from_[lane] += time;
  loop_->At(now() + time, std::move(action));
}

DecisionMaker::Call Machine::Ask(v1::ActRequest request,
                                 const std::string& owner, absl::Time deadline,
                                 DecisionCall::Done done) {
  const absl::Duration half =
      std::uniform_real_distribution<>()(random_) *
          (options_.longest_call - options_.shortest_call) / 2 +
      options_.shortest_call / 2;
  const auto pending =
      std::make_shared<Pending>(Pending{++calls_made_, std::move(done)});
  calls_[pending->number] = pending;
  auto call = std::make_shared<DecisionCall>(
      std::move(request), Caller{"", owner}, now() + half, deadline,
      [this, half, pending](const DecisionCall::Answer& answer) {
        const DecisionCall::Answer given = Kept(answer);
        After(half, [this, pending, given] { Finish(*pending, given); });
      });
  After(half, [this, pending, call] {
    if (pending->done != nullptr) server_->maker->Start(call);
  });
  return call;
}

DecisionCall::Answer Machine::Kept(const DecisionCall::Answer& answer) {
  if (!options_.keeps_each && !draining_) return answer;
  if (!answer.ok() || (*answer)->session_id().empty()) return answer;
  Sync();
  const auto mark = server_->sessions.Find((*answer)->session_id());
  if (mark && mark->epoch == (*answer)->epoch()) return answer;
  return absl::AbortedError("another server has the session");
}

void Machine::Finish(Pending& call, const DecisionCall::Answer& answer) {
  if (call.done == nullptr) return;
  calls_.erase(call.number);
  std::exchange(call.done, nullptr)(answer);
}

}  // namespace foresight
