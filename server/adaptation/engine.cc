#include "server/adaptation/engine.h"

#include <algorithm>
#include <new>

#include "absl/container/inlined_vector.h"

namespace foresight {
namespace {

// Has inline room for as many problems as most calls have.
using Problems = absl::InlinedVector<Problem*, 8>;

absl::Duration Reserve(const Problem& problem) {
  if (!problem.settings.accept_only_improvement) return absl::ZeroDuration();
  return 2 * problem.timing.last;
}

}  // namespace

void Engine::Adapt(absl::Span<Problem> problems) const {
  Problems rest;
  for (Problem& problem : problems) rest.push_back(&problem);
  while (!rest.empty()) {
    const Problem& first = *rest.front();
    const size_t limit = std::max(1, BatchLimit(first.settings));
    Problems group, others;
    for (Problem* problem : rest) {
      const bool joins = problem == &first ||
                         (group.size() < limit && SideBySide(first, *problem));
      (joins ? group : others).push_back(problem);
    }
    if (std::unique_ptr<Batch> batch = TakeBatch()) {
      AdaptTogether(*batch, group);
      KeepBatch(std::move(batch));
    } else {
      for (Problem* problem : group) {
        problem->decision_or =
            absl::ResourceExhaustedError("no memory for a decision");
      }
    }
    rest = std::move(others);
  }
}

void Engine::AdaptTogether(Batch& batch,
                           absl::Span<Problem* const> problems) const {
  Problems admitted, stepping;
  for (Problem* problem : problems) {
    if (batch.Admit(problem)) admitted.push_back(problem);
  }
  while (true) {
    const absl::Time now = clock_();
    stepping.clear();
    for (Problem* problem : admitted) {
      if (batch.WantsStep(*problem) &&
          now < problem->deadline - Reserve(*problem)) {
        stepping.push_back(problem);
      }
    }
    if (stepping.empty()) break;
    batch.Step(stepping);
  }
  batch.Retire(admitted);
}

std::unique_ptr<Batch> Engine::TakeBatch() const {
  if (std::unique_ptr<Batch> batch = idle_.Take()) return batch;
  try {
    return NewBatch();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void Engine::KeepBatch(std::unique_ptr<Batch> batch) const {
  idle_.Keep(std::move(batch), MonotonicNow());
}

}  // namespace foresight
