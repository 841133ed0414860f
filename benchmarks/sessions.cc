#include "benchmarks/sessions.h"

#include <time.h>

#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "benchmarks/machine_peak.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kFewestRounds = 3;

// Counts only this thread, since other programs may use its core.
double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

// A GPU computes while the thread waits.
double Seconds(const Engine& engine) {
  return engine.device() == "cpu" ? CpuSeconds() : Now();
}

absl::Status FirstError(absl::Span<const Problem> problems) {
  for (const Problem& problem : problems) {
    RETURN_IF_ERROR(problem.decision_or.status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SessionsResult> CompareSessions(const BenchCase& bench_case,
                                               const Engine& engine,
                                               int sessions, double seconds) {
  std::vector<std::unique_ptr<PolicyParameters>> psi;
  std::vector<Problem> problems(sessions);
  for (int i = 0; i < sessions; ++i) {
    psi.push_back(engine.NewParameters());
    problems[i].observation = bench_case.observation;
    problems[i].parameters = psi[i].get();
    problems[i].seed = bench_case.seed + i;
    problems[i].settings = bench_case.settings;
    // In reset mode sessions would share psi_0 and its place in the cache.
    problems[i].settings.mode = Mode::kPersist;
    problems[i].settings.step_size = 1e-9f;
  }
  std::vector<double> alone, together, gains;
  const double begin = Now();
  for (int round = -1; round < kFewestRounds || Now() < begin + seconds;
       ++round) {
    const double first = Seconds(engine);
    for (Problem& problem : problems) engine.Adapt({&problem, 1});
    const double middle = Seconds(engine);
    engine.Adapt(absl::MakeSpan(problems));
    const double last = Seconds(engine);
    RETURN_IF_ERROR(FirstError(problems));
    if (round < 0) continue;  // A warm-up.
    alone.push_back(middle - first);
    together.push_back(last - middle);
    gains.push_back((middle - first) / (last - middle));
  }
  return SessionsResult{1e3 * Median(alone), 1e3 * Median(together),
                        Median(gains)};
}

}  // namespace foresight
