// A control loop that gets an action by its deadline, whatever the server does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/backoff_timer.h"
#include "client/control_loop_options.h"
#include "client/late_actions.h"
#include "client/pending_act.h"
#include "client/remote_session.h"
#include "client/steady_time.h"

namespace foresight {

// One session, one observation at a time. A step whose answer is late returns
// an action by the late policy. The next step first looks for that answer: its
// plan is then the newest, and the next decision is requested as soon as the
// session is free. A lost request is repeated by its index with the newest
// observation (client/decision_sequence.h), so the server decides each index
// once.
//
// Not thread-safe. Starts no thread.
class ControlLoop {
 public:
  struct Command {
    std::vector<float> action;  // [A], in [-1, 1] except a callback's.
    ActionSource source = ActionSource::kInitial;
    v1::AdaptationReport report;  // The answer's; empty without one.
    // OK with an answer. Otherwise DeadlineExceeded if it is late, or the
    // server's or the connection's error.
    absl::Status status;
  };

  struct Stats {
    int64_t in_time = 0;  // Steps by the source of their action:
    int64_t initial = 0;
    int64_t held = 0;
    int64_t planned = 0;
    int64_t by_callback = 0;
    int64_t late_answers = 0;    // Answers that came after their step.
    int64_t stale_answers = 0;   // Answers of an older epoch, ignored.
    int64_t lost_decisions = 0;  // Answered, but lost by the server since.
    int64_t errors = 0;          // Requests answered with an error.
    int64_t realigned = 0;   // How often the server was at another decision.
    int64_t reconnects = 0;  // The stream's, for all of its loops.
  };

  // `session` is not null.
  // Errors: InvalidArgument: an option is out of its range.
  static absl::StatusOr<std::unique_ptr<ControlLoop>> Create(
      std::unique_ptr<RemoteSession> session,
      const ControlLoopOptions& options);

  // Returns the action for `observation` [S] by options.deadline at the latest;
  // earlier if no answer can come by then.
  Command Step(absl::Span<const float> observation);
  // The same with another deadline. If that has passed already, it requests the
  // decision without waiting for it.
  Command StepUntil(absl::Span<const float> observation, SteadyTime deadline);

  // Begins another episode, as RemoteSession::Reset, and waits for it.
  absl::Status Reset(const ResetOptions& options = {});

  Stats stats() const;
  const RemoteSession& session() const { return *session_; }

 private:
  ControlLoop(std::unique_ptr<RemoteSession> session,
              const ControlLoopOptions& options);

  void Ask(absl::Span<const float> observation, SteadyTime deadline);
  // Gives the outstanding request up if it is overdue.
  void GiveUpOverdue(SteadyTime now);
  // Processes the outstanding request's answer. Returns a status if this step
  // ends with it; if that is OK, `answer` is the step's answer.
  std::optional<absl::Status> Take(AnswerSlot::Answer& answer);
  Command InTimeCommand(const v1::ActResponse& answer);
  Command LateCommand(absl::Span<const float> observation, absl::Status status);

  const ControlLoopOptions options_;
  const std::unique_ptr<RemoteSession> session_;
  LateActions late_actions_;
  BackoffTimer backoff_;
  Stats stats_;
  absl::Status last_error_;  // The reason for backoff_.
  int64_t step_ = 0;         // Counts from 1.
  std::optional<SteadyTime> late_since_;
  // The outstanding request, if any, with its step and its time.
  std::unique_ptr<PendingAct> asked_;
  int64_t asked_step_ = 0;
  SteadyTime asked_at_;
};

}  // namespace foresight
