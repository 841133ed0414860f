// Lends a scheduler's idle lanes to decisions made one after another, as the
// server does.
#pragma once

#include <memory>

#include "server/adaptation/engine.h"
#include "server/scheduling/scheduler.h"

namespace foresight {

class IdleLanes : public Workers, private Scheduler::Executor {
 public:
  // `size` threads, the caller's included; >= 2.
  explicit IdleLanes(int size) : scheduler_(OptionsFor(size)) {
    scheduler_.Start(this);
  }

  int size() const override { return scheduler_.lanes() + 1; }
  void Run(int count, int lanes, ParallelJob::Body body) override {
    scheduler_.RunParallel(count, lanes, body);
  }

 private:
  static Scheduler::Options OptionsFor(int size) {
    Scheduler::Options options;
    options.queue.lanes = size - 1;
    options.nice = 0;
    return options;
  }

  // Never called: no turn is submitted.
  void Run(int, Scheduler::Turn) override {}
  void Evict(std::shared_ptr<Scheduler::Task>, absl::Status) override {}

  Scheduler scheduler_;
};

}  // namespace foresight
