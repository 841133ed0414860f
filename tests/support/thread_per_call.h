// Helpers for engines' tests: slow, but any number of them.
#pragma once

#include <thread>
#include <vector>

#include "server/adaptation/engine.h"

namespace foresight {

// Makes each call on a thread of its own, the first on the caller's.
class ThreadPerCall : public Workers {
 public:
  explicit ThreadPerCall(int size) : size_(size) {}
  int size() const override { return size_; }
  void Run(int count, absl::FunctionRef<void(int)> body) override {
    std::vector<std::thread> threads;
    for (int i = 1; i < count; ++i) threads.emplace_back([=] { body(i); });
    body(0);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  const int size_;
};

}  // namespace foresight
