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

}  // namespace

Machine::Server::Server(const Options& options, const Clock& clock,
                        KeptSessions* kept)
    : journal(options.keeps
                  ? std::make_unique<Journal>(
                        Journal::Options{Durability::kInterval, kNever},
                        std::make_unique<MemoryStore>(kept))
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
  maker = std::make_unique<DecisionMaker>(
      DecisionMaker::Options(), RequestLimits(),
      DecisionMaker::Parts{&models, &sessions, &keeper, scheduler.get(), &timer,
                           &metrics});
  operations = std::make_unique<SessionOperations>(
      SessionOperations::Options(), RequestLimits(), &models, &sessions,
      &keeper, &metrics, clock);
}

Machine::Server::~Server() { scheduler.reset(); }

Machine::Machine(Options options)
    : options_(options),
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
                                           options_.seed, &clock_);
  StartServer();
}

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
  if (end == End::kKill) {
    const auto calls = calls_;
    for (const auto& [number, call] : calls) {
      Finish(*call, absl::UnavailableError("the server was killed"));
    }
  }
  // Nobody sees what a killed server does from here on.
  server_->maker->Refuse();
  RunUntil(now() + kDrainTime);
  server_->maker->Stop();
  while (!Idle()) RunUntil(now() + absl::Milliseconds(1));
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
  restarting_ = false;
  Sync();
}

void Machine::At(absl::Time when, std::function<void()> action) {
  events_.emplace(when, std::move(action));
}

absl::Time Machine::NextEvent() const {
  absl::Time next = server_->timer.next();
  if (!events_.empty()) next = std::min(next, events_.begin()->first);
  if (!busy_[express()]) next = std::min(next, server_->scheduler->next_due());
  return next;
}

void Machine::RunUntil(absl::Time end) {
  Dispatch();
  while (true) {
    const absl::Time next = NextEvent();
    if (next > end) break;
    clock_.now = std::max(clock_.now, next);
    server_->timer.RunDue();
    if (!events_.empty() && events_.begin()->first <= clock_.now) {
      const auto action = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      action();
    }
    ++events_run_;
    Dispatch();
  }
  clock_.now = end;
}

void Machine::Dispatch() {
  while (!busy_[express()] && server_->scheduler->next_due() <= clock_.now) {
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
    At(clock_.now + options_.frozen_time, [this, lane] { Advance(lane); });
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
  At(clock_.now + taken, [this, lane, taken] {
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
  At(clock_.now + time, std::move(action));
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
      std::move(request), Caller{"", owner}, clock_.now + half, deadline,
      [this, half, pending](const DecisionCall::Answer& answer) {
        After(half, [this, pending, answer] { Finish(*pending, answer); });
      });
  After(half, [this, pending, call] {
    if (pending->done != nullptr) server_->maker->Start(call);
  });
  return call;
}

void Machine::Finish(Pending& call, const DecisionCall::Answer& answer) {
  if (call.done == nullptr) return;
  calls_.erase(call.number);
  std::exchange(call.done, nullptr)(answer);
}

}  // namespace foresight
