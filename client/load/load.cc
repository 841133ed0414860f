#include "client/load/load.h"

#include <chrono>
#include <memory>

#include "absl/strings/str_format.h"
#include "client/load/host.h"
#include "client/load/schedule.h"
#include "client/load/sessions.h"
#include "client/run/line_drawer.h"

namespace foresight {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(1);  // After the last deadline.
constexpr absl::Duration kPoll = absl::Milliseconds(2);

// Measures the time since it was made, independent of the wall clock.
class Stopwatch {
 public:
  absl::Duration elapsed() const {
    return absl::FromChrono(std::chrono::steady_clock::now() - start_);
  }

 private:
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

// Records the time of each answer.
class TimedReceiver : public AnswerReceiver {
 public:
  TimedReceiver(const Stopwatch& stopwatch, Recorder* recorder)
      : stopwatch_(stopwatch), recorder_(recorder) {}

  void OnAnswer(int loop, const v1::ActResponse& response) override {
    recorder_->Answer(loop, stopwatch_.elapsed(), response.report());
  }
  void OnError(int loop, absl::string_view reason) override {
    recorder_->Fail(loop, reason);
  }

 private:
  const Stopwatch& stopwatch_;
  Recorder* const recorder_;
};

// The CPU time used by the process and the machine so far.
struct Usage {
  absl::Duration at;
  absl::Duration process;
  CpuTimes machine;
};

Usage UsageAt(absl::Duration now) {
  return {now, ProcessCpuTime(), ReadCpuTimes()};
}

std::string ProgressLine(const LoadOptions& options, int sessions,
                         absl::Duration elapsed, const Recorder& recorder) {
  return absl::StrFormat(
      "%d sessions   %.0f/%.0f s   %d ticks   %.2f %% missed", sessions,
      absl::ToDoubleSeconds(elapsed),
      absl::ToDoubleSeconds(options.warm_up + options.duration),
      recorder.ticks(), 100 * recorder.missed_fraction());
}

class Run {
 public:
  Run(const LoadTarget& target, const LoadSessions& sessions)
      : target_(target),
        options_(target.options),
        ids_(sessions.ids()),
        schedule_({static_cast<int>(ids_.size()), options_.period(),
                   options_.jitter, options_.seed}),
        recorder_(static_cast<int>(ids_.size()), options_.deadline),
        receiver_(stopwatch_, &recorder_),
        transport_(options_.stream
                       ? MakeStreamTransport(target.stubs, ids_,
                                             options_.sessions_per_stream,
                                             &receiver_)
                       : MakeUnaryTransport(target.stubs, ids_, &receiver_)) {
    result_.sessions = static_cast<int>(ids_.size());
    result_.settings = sessions.settings();
  }

  // Call it once.
  absl::StatusOr<LoadResult> Go(Cancellation& cancellation) {
    {
      const LineDrawer progress(
          [this] {
            return ProgressLine(options_, result_.sessions,
                                stopwatch_.elapsed(), recorder_);
          },
          options_.quiet);
      SendAll(cancellation);
      AwaitAnswers(cancellation);
    }
    recorder_.GiveUp();
    transport_ = nullptr;
    if (cancellation.cancelled()) return absl::CancelledError("interrupted");
    result_.counts = recorder_.counts();
    return result_;
  }

 private:
  // Returns true as soon as it is cancelled, false at `time`.
  bool WaitUntil(absl::Duration time, const Cancellation& cancellation) const {
    const absl::Duration wait = time - stopwatch_.elapsed();
    if (wait <= absl::ZeroDuration()) return cancellation.cancelled();
    return cancellation.WaitFor(wait);
  }

  void SendAll(const Cancellation& cancellation) {
    const absl::Duration end = options_.warm_up + options_.duration;
    while (schedule_.next().at < options_.warm_up) {
      if (WaitUntil(schedule_.next().at, cancellation)) return;
      Send(schedule_.Take(), /*counted=*/false);
    }
    if (WaitUntil(options_.warm_up, cancellation)) return;
    const Usage before = UsageAt(stopwatch_.elapsed());
    while (schedule_.next().at < end) {
      if (WaitUntil(schedule_.next().at, cancellation)) return;
      Send(schedule_.Take(), /*counted=*/true);
    }
    if (WaitUntil(end, cancellation)) return;
    const Usage after = UsageAt(stopwatch_.elapsed());
    result_.generator_cores = absl::FDivDuration(after.process - before.process,
                                                 after.at - before.at);
    result_.steal_fraction = StealFraction(before.machine, after.machine);
  }

  void Send(const Tick& tick, bool counted) {
    if (!recorder_.Begin(tick.loop, tick.at, counted)) return;
    const absl::Duration now = stopwatch_.elapsed();
    if (counted) result_.send_lags.Add(now - tick.at);
    transport_->Send(
        tick.loop,
        target_.observations.At(tick.loop, result_.sessions, tick.number),
        tick.at + options_.deadline - now);
  }

  void AwaitAnswers(const Cancellation& cancellation) {
    const absl::Duration limit =
        stopwatch_.elapsed() + options_.deadline + kGrace;
    while (recorder_.waiting() > 0 && stopwatch_.elapsed() < limit) {
      if (cancellation.WaitFor(kPoll)) return;
    }
  }

  const LoadTarget& target_;
  const LoadOptions& options_;
  const std::vector<std::string> ids_;
  const Stopwatch stopwatch_;
  Schedule schedule_;
  Recorder recorder_;
  TimedReceiver receiver_;
  LoadResult result_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const LoadTarget& target, int sessions,
                                   Cancellation& cancellation) {
  SessionOptions session;
  session.model = target.model.name();
  session.settings = target.options.settings;
  session.seed = target.options.seed;
  const auto opened =
      LoadSessions::Open(target.client, session, sessions, cancellation);
  if (!opened.ok()) return opened.status();
  return Run(target, *opened).Go(cancellation);
}

}  // namespace foresight
