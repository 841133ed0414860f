// Policies whose whole adaptation has a closed form, for tests of what engines
// share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// psi in R^2 and J = -|psi - top|^2 / 2 with a top for each noise bank, so
// g = top - psi. The action is psi itself (A = 2).
class QuadraticPolicies : public WorkingPolicies {
 public:
  using Vector = std::array<double, 2>;

  struct One {
    Vector pretrained = {0, 0}, start = {0, 0}, working = {0, 0};
    Vector top = {1, 0}, acceptance_top = {1, 0};
    Vector previous = {0, 0}, gradient = {0, 0};
    bool committed = false;
    int differentiations = 0;
  };

  explicit QuadraticPolicies(std::vector<One> problems)
      : ones(std::move(problems)) {}

  std::vector<One> ones;  // [P]
  // Called once in each evaluation and twice in each differentiation, which
  // takes about that much longer; such as to let time pass.
  std::function<void()> meanwhile = [] {};
  // Called on each result of Differentiate and Evaluate, such as to spoil it.
  std::function<void(int i, Evaluation&)> spoil = [](int, Evaluation&) {};
  std::function<void(int i, Vector& action)> spoil_action = [](int, Vector&) {};

  int action_size() const override { return 2; }

  void Act(absl::Span<const int> which, Psi psi,
           absl::Span<float> actions) override {
    for (const int i : which) {
      Vector action = Of(i, psi);
      spoil_action(i, action);
      for (int j = 0; j < 2; ++j) {
        actions[2 * i + j] = static_cast<float>(action[j]);
      }
    }
  }

  void Differentiate(absl::Span<const int> which, const StopSignals& stop,
                     absl::Span<Evaluation> out) override {
    meanwhile();
    Evaluate(which, Psi::kWorking, NoiseBank::kAdaptation, stop, out);
    for (const int i : which) {
      One& one = ones[i];
      ++one.differentiations;
      for (int j = 0; j < 2; ++j) {
        one.gradient[j] = one.top[j] - one.working[j];
      }
      out[i].gradient_norm = Norm(one.gradient, {0, 0});
      spoil(i, out[i]);
    }
  }

  void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                const StopSignals& stop, absl::Span<Evaluation> out) override {
    meanwhile();
    for (const int i : which) {
      const Vector& top =
          bank == NoiseBank::kAdaptation ? ones[i].top : ones[i].acceptance_top;
      const double distance = Norm(Of(i, psi), top);
      out[i] = {!stop.ShouldStop(i), -distance * distance / 2, 0};
      spoil(i, out[i]);
    }
  }

  void Ascend(absl::Span<const int> which,
              absl::Span<const double> scale) override {
    for (const int i : which) {
      One& one = ones[i];
      one.previous = one.working;
      for (int j = 0; j < 2; ++j) {
        one.working[j] += scale[i] * one.gradient[j];
      }
    }
  }

  void Retract(absl::Span<const int> which) override {
    for (const int i : which) ones[i].working = ones[i].previous;
  }

  void Pull(absl::Span<const int> which, Psi anchor,
            absl::Span<const double> factor) override {
    for (const int i : which) {
      for (int j = 0; j < 2; ++j) {
        const double from = Of(i, anchor)[j];
        ones[i].working[j] = from + factor[i] * (ones[i].working[j] - from);
      }
    }
  }

  void Drift(absl::Span<const int> which, absl::Span<double> drift) override {
    for (const int i : which) {
      drift[i] = Norm(ones[i].working, ones[i].pretrained);
    }
  }

  void Commit(absl::Span<const int> which) override {
    for (const int i : which) ones[i].committed = true;
  }

  static double Norm(const Vector& a, const Vector& b) {
    return std::hypot(a[0] - b[0], a[1] - b[1]);
  }

 private:
  const Vector& Of(int i, Psi psi) const {
    if (psi == Psi::kPretrained) return ones[i].pretrained;
    return psi == Psi::kStart ? ones[i].start : ones[i].working;
  }
};

}  // namespace foresight
