// Policies whose adaptation has a closed form, for tests of the parts that
// engines share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/adaptation/decision_batch.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// psi in R^2 and J = -|psi - top|^2 / 2 with a top for each noise bank, so g =
// top - psi. The action is psi itself (A = 2), the output before tanh counts as
// 2 psi, and each action of a plan is psi; a plan's row takes as long as an
// evaluation. The world outlives its policies. Tests read and change it while
// they work.
struct QuadraticWorld {
  using Vector = std::array<double, 2>;
  using Evaluation = WorkingPolicies::Evaluation;

  struct One {
    Vector pretrained = {0, 0}, start = {0, 0}, working = {0, 0};
    Vector top = {1, 0}, acceptance_top = {1, 0};
    Vector saved = {0, 0}, gradient = {0, 0};
    bool committed = false;
    int differentiations = 0;
  };

  std::vector<One> ones;  // By place.
  // Called once in each evaluation and twice in each differentiation, which
  // takes about twice as long. A test may let time pass in it.
  std::function<void()> meanwhile = [] {};
  // Called at the end of each function that may throw. A test may throw in it.
  std::function<void(const std::string& function, absl::Span<const int>)>
      after = [](const std::string&, absl::Span<const int>) {};
  // Called on each result of Differentiate and Evaluate. A test may spoil it.
  std::function<void(int i, Evaluation&)> spoil = [](int, Evaluation&) {};
  std::function<void(int i, Vector& action)> spoil_action = [](int, Vector&) {};
  std::function<void(int row, Vector& action)> spoil_plan = [](int, Vector&) {};
};

class QuadraticPolicies : public WorkingPolicies {
 public:
  using Vector = QuadraticWorld::Vector;
  using One = QuadraticWorld::One;

  explicit QuadraticPolicies(QuadraticWorld& world) : world_(world) {}

  int action_size() const override { return 2; }

  absl::Status Check(const Problem&) const override { return absl::OkStatus(); }
  void Begin(int i, Problem&) override { world_.after("Begin", {&i, 1}); }
  void End(int) noexcept override {}

  void Act(absl::Span<const int> which, Psi psi,
           absl::Span<float> actions) override {
    for (const int i : which) {
      Vector action = Of(i, psi);
      world_.spoil_action(i, action);
      for (int j = 0; j < 2; ++j) {
        actions[2 * i + j] = static_cast<float>(action[j]);
      }
    }
    world_.after("Act", which);
  }

  void ActBeforeTanh(absl::Span<const int> which, Psi psi,
                     absl::Span<float> outputs) override {
    for (const int i : which) {
      for (int j = 0; j < 2; ++j) {
        outputs[2 * i + j] = static_cast<float>(2 * Of(i, psi)[j]);
      }
    }
    world_.after("ActBeforeTanh", which);
  }

  void Differentiate(absl::Span<const int> which, const StopSignals& stop,
                     absl::Span<Evaluation> out) override {
    world_.meanwhile();
    Evaluate(which, Psi::kWorking, NoiseBank::kAdaptation, stop, out);
    for (const int i : which) {
      One& one = world_.ones[i];
      ++one.differentiations;
      for (int j = 0; j < 2; ++j) {
        one.gradient[j] = one.top[j] - one.working[j];
      }
      out[i].gradient_norm = Norm(one.gradient, {0, 0});
      world_.spoil(i, out[i]);
    }
    world_.after("Differentiate", which);
  }

  void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                const StopSignals& stop, absl::Span<Evaluation> out) override {
    world_.meanwhile();
    for (const int i : which) {
      const One& one = world_.ones[i];
      const Vector& top =
          bank == NoiseBank::kAdaptation ? one.top : one.acceptance_top;
      const double distance = Norm(Of(i, psi), top);
      out[i] = {!stop.ShouldStop(i), -distance * distance / 2, 0};
      world_.spoil(i, out[i]);
    }
    world_.after("Evaluate", which);
  }

  int Imagine(int i, const StopSignals& stop, absl::Span<float> plan) override {
    int row = 0;
    for (; row < static_cast<int>(plan.size()) / 2; ++row) {
      world_.meanwhile();
      if (stop.ShouldStop(i)) break;
      Vector action = world_.ones[i].working;
      world_.spoil_plan(row, action);
      for (int j = 0; j < 2; ++j) {
        plan[2 * row + j] = static_cast<float>(action[j]);
      }
    }
    world_.after("Imagine", {&i, 1});
    return row;
  }

  void Save(absl::Span<const int> which) noexcept override {
    for (const int i : which) world_.ones[i].saved = world_.ones[i].working;
  }

  void Restore(absl::Span<const int> which) noexcept override {
    for (const int i : which) world_.ones[i].working = world_.ones[i].saved;
  }

  void Ascend(absl::Span<const int> which,
              absl::Span<const double> scale) override {
    for (const int i : which) {
      One& one = world_.ones[i];
      for (int j = 0; j < 2; ++j) {
        one.working[j] += scale[i] * one.gradient[j];
      }
    }
    world_.after("Ascend", which);
  }

  void Pull(absl::Span<const int> which, Psi anchor,
            absl::Span<const double> factor) override {
    for (const int i : which) {
      One& one = world_.ones[i];
      for (int j = 0; j < 2; ++j) {
        const double from = Of(i, anchor)[j];
        one.working[j] = from + factor[i] * (one.working[j] - from);
      }
    }
    world_.after("Pull", which);
  }

  void Drift(absl::Span<const int> which, absl::Span<double> drift) override {
    for (const int i : which) {
      drift[i] = Norm(world_.ones[i].working, world_.ones[i].pretrained);
    }
    world_.after("Drift", which);
  }

  void PrepareCommit(absl::Span<const int> which) override {
    world_.after("PrepareCommit", which);
  }
  void Commit(absl::Span<const int> which) noexcept override {
    for (const int i : which) world_.ones[i].committed = true;
  }

  static double Norm(const Vector& a, const Vector& b) {
    return std::hypot(a[0] - b[0], a[1] - b[1]);
  }

 private:
  const Vector& Of(int i, Psi psi) const {
    const One& one = world_.ones[i];
    if (psi == Psi::kPretrained) return one.pretrained;
    if (psi == Psi::kSaved) return one.saved;
    return psi == Psi::kStart ? one.start : one.working;
  }

  QuadraticWorld& world_;
};

// Problem i of a call uses the world's ones[i].
class QuadraticEngine : public Engine {
 public:
  // `world` outlives this.
  QuadraticEngine(QuadraticWorld& world, Clock clock)
      : Engine(std::move(clock)), world_(world) {}

  std::unique_ptr<PolicyParameters> NewParameters() const override {
    return nullptr;
  }
  size_t sizeof_parameters() const override { return 0; }
  std::unique_ptr<Batch> NewBatch() const override {
    return std::make_unique<DecisionBatch>(
        std::make_unique<QuadraticPolicies>(world_), clock());
  }
  bool SideBySide(const Problem&, const Problem&) const override {
    return true;
  }
  int BatchLimit(const AdaptationSettings&) const override { return 100; }
  std::string name() const override { return "quadratic"; }
  std::string device() const override { return "cpu"; }

 private:
  QuadraticWorld& world_;
};

}  // namespace foresight
