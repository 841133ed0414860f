// Runs an engine's work on any number of lanes; slow, for tests.
#pragma once

#include <thread>
#include <vector>

#include "server/adaptation/engine.h"
#include "server/scheduling/parallel_job.h"

namespace foresight {

// Gives each lane its own thread; one is the caller's.
class ThreadPerLane : public Workers {
 public:
  explicit ThreadPerLane(int size) : size_(size) {}
  int size() const override { return size_; }
  void Run(int count, int lanes, ParallelJob::Body body) override {
    ParallelJob job(count, lanes, body);
    const auto work = [&job](int lane) {
      while (job.RunOne(lane)) {
      }
    };
    std::vector<std::thread> threads;
    for (int lane = 1; lane < lanes; ++lane) threads.emplace_back(work, lane);
    work(0);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  const int size_;
};

}  // namespace foresight
