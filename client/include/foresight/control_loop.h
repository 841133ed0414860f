// A control loop that gets an action by its deadline, whatever the server does.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "foresight/control_loop_options.h"
#include "foresight/late_policy.h"
#include "foresight/proto/adaptation.pb.h"
#include "foresight/remote_session.h"
#include "foresight/steady_time.h"

namespace foresight {

// One session, one observation at a time. A step whose answer is late returns
// an action that the late policy chooses. The next step first looks for that
// answer: its plan is then the newest, and the next decision is requested as
// soon as the session is free. A lost request is repeated with its index and
// the newest observation, so the server decides each index once.
//
// Not thread-safe. Starts no thread. A loop that was moved from may only be
// destroyed or assigned to.
class ControlLoop {
 public:
  struct Command {
    std::vector<float> action;  // [A], in [-1, 1] except from a callback.
    ActionSource source = ActionSource::kInitial;
    v1::AdaptationReport report;  // From the answer; empty if there is none.
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
    int64_t reconnects = 0;  // The stream's; loops may share it.
  };

  // Errors: InvalidArgument: an option is out of its range.
  static absl::StatusOr<ControlLoop> Create(RemoteSession session,
                                            const ControlLoopOptions& options);
  ~ControlLoop();  // Closes the session.
  ControlLoop(ControlLoop&&) noexcept;
  ControlLoop& operator=(ControlLoop&&) noexcept;

  // Returns the action for `observation` [S] by options.deadline at the latest;
  // earlier if no answer can come by then.
  Command Step(absl::Span<const float> observation);
  Command Step(absl::Span<const double> observation);  // Sent as float32.
  // As Step, with another deadline. If that has passed already, it requests the
  // decision without waiting for it.
  Command StepUntil(absl::Span<const float> observation, SteadyTime deadline);
  Command StepUntil(absl::Span<const double> observation, SteadyTime deadline);

  // Begins another episode, as RemoteSession::Reset, and waits for it.
  absl::Status Reset(const ResetOptions& options = {});

  Stats stats() const;
  const RemoteSession& session() const;

 private:
  class Steps;

  explicit ControlLoop(std::unique_ptr<Steps> steps);

  std::unique_ptr<Steps> steps_;  // Null once moved from.
};

}  // namespace foresight
