#include "tests/simulation/hand_over.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decisions/durations.h"
#include "server/decisions/session_keeper.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr size_t kMostViolations = 20;
constexpr absl::Duration kLongestDecision = absl::Seconds(10);

struct Loop {
  std::string session;
  int server = 0;  // The server that it asks next.
  bool open = false;
  // Questions so far. Only the answer to the last one is heard.
  int64_t asked = 0;
  bool waiting = false;
  std::vector<float> psi;  // After each accepted decision.
  size_t kept = 0;         // This many decisions can no longer get lost.
  uint64_t epoch = 0;      // The highest one that it has seen.
  // For each epoch, the life of the server that answered in it, heard or not.
  std::map<uint64_t, int> owners;
};

class Simulation {
 public:
  explicit Simulation(const HandOvers& scenario)
      : scenario_(scenario), random_(scenario.seed) {
    if (!scenario.fence) shared_.RemoveFence();
    for (int i = 0; i < 2; ++i) {
      Machine::Options options = scenario.machine;
      options.shared = &shared_;
      options.seed = 2 * scenario.seed + i;
      machines_[i] = std::make_unique<Machine>(options, &loop_);
      lives_[i] = ++lives_begun_;
    }
    loops_.resize(scenario.loops);
  }

  HandedOver Run() {
    for (Loop& loop : loops_) {
      loop.session = absl::StrCat("loop-", &loop - loops_.data());
      ScheduleTick(loop, begin_ + Uniform() * scenario_.period);
    }
    while (loop_.now() < begin_ + scenario_.length) {
      loop_.RunUntil(loop_.now() + absl::Milliseconds(100));
      Disturb();
    }
    asking_ = false;
    loop_.RunUntil(loop_.now() + kLongestDecision);
    CheckThatAllGoOn();
    CheckThatNothingIsLeft();
    return std::move(outcomes_);
  }

 private:
  double Uniform() { return std::uniform_real_distribution<>()(random_); }
  bool Chance(double chance) { return Uniform() < chance; }

  template <typename... Parts>
  void Violate(const Parts&... parts) {
    if (outcomes_.violations.size() < kMostViolations) {
      outcomes_.violations.push_back(absl::StrCat(
          "at ", absl::FormatDuration(loop_.now() - begin_), ": ", parts...));
    }
  }

  void ScheduleTick(Loop& loop, absl::Time when) {
    loop_.At(when, [this, &loop, when] {
      if (!asking_) return;
      Tick(loop);
      ScheduleTick(loop, when + scenario_.period);
    });
  }

  void Tick(Loop& loop) {
    if (loop.waiting) return;
    if (!loop.open) return Open(loop);
    if (Chance(scenario_.moves)) loop.server = 1 - loop.server;
    Ask(loop, scenario_.period);
    if (!Chance(scenario_.partitions)) return;
    loop_.At(loop_.now() + Uniform() * scenario_.period / 2,
             [this, &loop, asked = loop.asked] {
               if (!loop.waiting || loop.asked != asked) return;
               ++outcomes_.partitions;
               loop.server = 1 - loop.server;
               Ask(loop, scenario_.period);
             });
  }

  void Open(Loop& loop) {
    const auto opened =
        machines_[loop.server]->Open(loop.session, /*steps=*/2, /*cost=*/1);
    loop.open = opened.ok();
    if (loop.open) return;
    loop.server = 1 - loop.server;
    if (ReasonName(opened.status()) != "DRAINING") {
      Violate("a session cannot be opened: ", opened.status().ToString());
    }
  }

  void Ask(Loop& loop, absl::Duration budget) {
    v1::ActRequest request;
    request.set_session_id(loop.session);
    request.set_decision_index(loop.psi.size());
    request.set_epoch(loop.epoch);
    for (int i = 0; i < 3; ++i) {
      request.add_observation(0.01f * static_cast<float>(loop.psi.size() % 90));
    }
    *request.mutable_budget() = ToProto(budget);
    const int server = loop.server, life = lives_[server];
    const absl::Time deadline = loop_.now() + budget;
    const int64_t asked = ++loop.asked;
    loop.waiting = true;
    ++asked_;
    machines_[server]->Ask(std::move(request), "owner", deadline,
                           [this, &loop, server, life, deadline,
                            asked](const DecisionCall::Answer& answer) {
                             ++answered_;
                             CheckTime(server, deadline, answer.status());
                             if (answer.ok()) CheckOwner(loop, **answer, life);
                             if (loop.asked != asked) return;
                             loop.waiting = false;
                             answer.ok() ? Accept(loop, **answer)
                                         : Fail(loop, answer.status());
                           });
  }

  void CheckTime(int server, absl::Time deadline, const absl::Status& status) {
    const absl::Duration late = loop_.now() - deadline;
    const absl::Duration longest =
        machines_[server]->engine().work().longest_step;
    if (late > std::max(longest, absl::Milliseconds(1))) {
      Violate("an answer is ", absl::FormatDuration(late), " late (",
              status.ToString(), ")");
    }
  }

  // A session has one owner in an epoch, and no epoch outlives its owner.
  void CheckOwner(Loop& loop, const v1::ActResponse& answer, int life) {
    const int owner = loop.owners.emplace(answer.epoch(), life).first->second;
    if (owner != life) {
      Violate("two servers answer ", loop.session, " in epoch ",
              answer.epoch());
    }
  }

  // Each decision follows the one accepted before it, whoever made that one:
  // it has the next index, and the steps of all decisions are in psi.
  void Accept(Loop& loop, const v1::ActResponse& answer) {
    ++outcomes_.accepted;
    if (answer.decision_index() != loop.psi.size()) {
      Violate("decision ", answer.decision_index(), " of ", loop.session,
              ", expected ", loop.psi.size());
    }
    if (answer.epoch() < loop.epoch) {
      Violate(loop.session, " is answered in epoch ", answer.epoch(), " after ",
              loop.epoch);
    }
    const float before = loop.psi.empty() ? 0 : loop.psi.back();
    const float psi = before + static_cast<float>(answer.report().steps_done());
    if (answer.report().drift() != psi) {
      Violate("psi of ", loop.session, " is ", answer.report().drift(),
              " after decision ", loop.psi.size(), ", expected ", psi);
    }
    outcomes_.epochs += loop.epoch != 0 && answer.epoch() != loop.epoch;
    loop.epoch = answer.epoch();
    loop.psi.push_back(psi);
    if (scenario_.machine.keeps_each) loop.kept = loop.psi.size();
  }

  void Fail(Loop& loop, const absl::Status& status) {
    if (const auto next = ExpectedDecision(status)) return GoBack(loop, *next);
    const std::string reason = ReasonName(status);
    if (reason == "SESSION_UNKNOWN" || reason == "DECISION_CHANGED") {
      Violate(loop.session, " got ", status.ToString());
    }
    if (absl::IsUnavailable(status)) loop.server = 1 - loop.server;
  }

  // Goes on from the server's decision: the previous server died or was left
  // before its last decisions were stored.
  void GoBack(Loop& loop, uint64_t next) {
    if (next < loop.kept || next >= loop.psi.size()) {
      Violate(loop.session, " is told to go on with decision ", next, " of ",
              loop.psi.size(), "; ", loop.kept, " were kept");
    }
    if (next > loop.psi.size()) return;
    outcomes_.lost += static_cast<int64_t>(loop.psi.size() - next);
    loop.psi.resize(next);
  }

  // Disturbs one of the servers, between two events.
  void Disturb() {
    if (loop_.now() - synced_ >= scenario_.sync_every) {
      for (const auto& machine : machines_) machine->Sync();
      synced_ = loop_.now();
      NoteKept();
    }
    const int which = Chance(0.5) ? 0 : 1;
    const bool restarts = Chance(scenario_.restarts);
    if (!restarts && !Chance(scenario_.kills)) return;
    ++(restarts ? outcomes_.restarts : outcomes_.kills);
    machines_[which]->Restart(restarts ? Machine::End::kOrderly
                                       : Machine::End::kKill);
    lives_[which] = ++lives_begun_;
  }

  void NoteKept() {
    for (Loop& loop : loops_) {
      const auto kept = shared_.Find(KeyOf(SessionName(loop.session)));
      if (kept.epoch != loop.epoch) continue;
      loop.kept = std::min<size_t>(loop.psi.size(), kept.next_decision);
    }
  }

  void CheckThatAllGoOn() {
    const int64_t before = outcomes_.accepted;
    for (int round = 0; round < 2; ++round) {  // One may have to go back first.
      for (Loop& loop : loops_) {
        if (loop.asked > 0 && (round == 0 || loop.psi.size() == goal_[&loop])) {
          goal_[&loop] = loop.psi.size();
          Ask(loop, kLongestDecision);
        }
      }
      loop_.RunUntil(loop_.now() + kLongestDecision);
    }
    if (outcomes_.accepted - before < static_cast<int64_t>(loops_.size())) {
      Violate("in the end only ", outcomes_.accepted - before, " of ",
              loops_.size(), " loops get an answer");
    }
  }

  void CheckThatNothingIsLeft() {
    if (answered_ != asked_) {
      Violate(asked_, " calls were made and ", answered_, " answered");
    }
    for (const auto& machine : machines_) {
      // Sessions that the other server has taken over may still be here.
      for (const Loop& loop : loops_) (void)machine->Close(loop.session);
      if (machine->queued() > 0 || machine->in_flight() != 0 ||
          machine->sessions() > 0 || machine->engine().alive() > 0) {
        Violate(machine->queued(), " decisions wait, ", machine->in_flight(),
                " calls are in flight, ", machine->sessions(), " sessions and ",
                machine->engine().alive(), " policies are left");
      }
      if (machine->engine().work().shared_parameters > 0) {
        Violate("a session was adapted twice at a time");
      }
    }
  }

  const HandOvers scenario_;
  std::mt19937_64 random_;
  HandedOver outcomes_;
  SharedSessions shared_;
  EventLoop loop_;
  std::array<std::unique_ptr<Machine>, 2> machines_;
  std::array<int, 2> lives_ = {};  // A new number at each start.
  int lives_begun_ = 0;
  std::vector<Loop> loops_;
  std::map<const Loop*, size_t> goal_;
  bool asking_ = true;
  int64_t asked_ = 0, answered_ = 0;
  const absl::Time begin_ = loop_.now();
  absl::Time synced_ = begin_;
};

}  // namespace

HandedOver Simulate(const HandOvers& scenario) {
  return Simulation(scenario).Run();
}

HandOvers RandomHandOvers(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto integer = [&](int least, int most) {
    return std::uniform_int_distribution<>(least, most)(random);
  };
  HandOvers scenario;
  scenario.seed = seed;
  scenario.machine.queue.lanes = integer(1, 4);
  scenario.machine.keeps_each = seed % 2 == 0;
  scenario.loops = integer(2, 12) * scenario.machine.queue.lanes;
  scenario.moves = integer(0, 10) * 0.01;
  scenario.partitions = integer(0, 20) * 0.01;
  scenario.restarts = integer(0, 4) * 0.01;
  scenario.kills = integer(0, 4) * 0.01;
  scenario.sync_every = integer(1, 20) * absl::Milliseconds(100);
  return scenario;
}

}  // namespace foresight
