#include "benchmarks/contest.h"

#include <algorithm>
#include <map>
#include <utility>

#include "benchmarks/machine_peak.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kFewestRounds = 3;
constexpr double kPeakSeconds = 0.002;
// Decisions shorter than this are timed in groups.
constexpr double kShortestTiming = 0.005;

// One contestant, ready to decide.
class Seat {
 public:
  Seat(const Contestant& contestant, std::unique_ptr<Engine> engine,
       const BenchCase& bench_case)
      : contestant_(contestant),
        engine_(std::move(engine)),
        parameters_(engine_->NewParameters()) {
    problem_.observation = bench_case.observation;
    problem_.parameters = parameters_.get();
    problem_.seed = bench_case.seed;
    problem_.settings = bench_case.settings;
    if (contestant.threads == 1) return;
    helpers_ = std::make_unique<IdleLanes>(contestant.threads);
    problem_.workers = helpers_.get();
  }

  // Makes a decision and returns its time in seconds.
  absl::StatusOr<double> Decide() {
    const double begin = Now();
    for (int i = 0; i < repetitions_; ++i) {
      engine_->Adapt({&problem_, 1});
      RETURN_IF_ERROR(problem_.decision_or.status());
    }
    const double seconds = (Now() - begin) / repetitions_;
    repetitions_ =
        std::clamp(static_cast<int>(kShortestTiming / seconds), 1, 1000);
    return seconds;
  }

  std::string device() const { return engine_->device(); }
  const Contestant& contestant() const { return contestant_; }
  std::vector<double>& times() { return times_; }

 private:
  const Contestant& contestant_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PolicyParameters> parameters_;
  std::unique_ptr<IdleLanes> helpers_;  // Null with one thread.
  Problem problem_;
  int repetitions_ = 1;
  std::vector<double> times_;
};

// The median over rounds of a's time over b's.
double Ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  return Median(ratios);
}

}  // namespace

absl::StatusOr<std::vector<Result>> Contest(
    const BenchCase& bench_case, const std::vector<Contestant>& contestants,
    double seconds) {
  std::vector<std::unique_ptr<Seat>> seats;
  std::map<int, std::vector<double>> peaks;  // By threads.
  for (const Contestant& contestant : contestants) {
    ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine,
                     contestant.create(bench_case.bundle));
    seats.push_back(
        std::make_unique<Seat>(contestant, std::move(engine), bench_case));
    RETURN_IF_ERROR(seats.back()->Decide().status());
    peaks[contestant.threads];
  }
  const double begin = Now();
  for (int round = 0; round < kFewestRounds || Now() < begin + seconds;
       ++round) {
    for (auto& [threads, rates] : peaks) {
      rates.push_back(MeasureFmaPeak(threads, kPeakSeconds));
    }
    for (const auto& seat : seats) {
      ASSIGN_OR_RETURN(const double time, seat->Decide());
      seat->times().push_back(time);
    }
  }
  std::vector<Result> results;
  for (const auto& seat : seats) {
    const Contestant& contestant = seat->contestant();
    Result result;
    result.bench_case = bench_case;
    result.engine = contestant.engine;
    result.precision = contestant.precision;
    result.threads = contestant.threads;
    const double time = Median(seat->times());
    result.ms = 1e3 * time;
    result.gflops = bench_case.gigaflop() / time;
    if (seat->device() == "cpu") {
      result.fraction_of_peak =
          result.gflops / Median(peaks[contestant.threads]);
    }
    for (const auto& other : seats) {
      if (other->contestant().engine != "autograd" ||
          other->contestant().threads != contestant.threads) {
        continue;
      }
      result.over_autograd = Ratio(other->times(), seat->times());
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace foresight
