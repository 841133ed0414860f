#include "server/scheduling/scheduler.h"

#include <sched.h>
#include <unistd.h>

#include <utility>

#include "server/support/error.h"
#include "server/support/niceness.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// No decision is split while lanes are busy with others for more than this
// fraction of their time.
constexpr double kBusy = 0.5;

// A sleeping thread takes some 50 us to wake, a fortieth of a step by two
// threads. So a thread that expects work polls this long for it.
constexpr absl::Duration kLook = absl::Microseconds(200);

// Polls until `come` holds, yielding the core to other threads; returns false
// after kLook.
template <typename Come>
bool LookOut(Come come) {
  const absl::Time end = MonotonicNow() + kLook;
  while (!come()) {
    if (MonotonicNow() >= end) return false;
    std::this_thread::yield();
  }
  return true;
}

// With more lanes, cores are idle and Linux finds them by itself.
constexpr int kFewLanes = 8;

// The cores that this process may use.
const cpu_set_t& AllowedCores() {
  static const cpu_set_t allowed = [] {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    sched_getaffinity(getpid(), sizeof(cores), &cores);
    return cores;
  }();
  return allowed;
}

}  // namespace

Scheduler::Scheduler(Options options)
    : options_(std::move(options)),
      queue_(options_.queue),
      lanes_(options_.queue.lanes) {}

void Scheduler::Start(Executor* executor) {
  executor_ = executor;
  if (!options_.threads) return;
  timer_ = std::make_unique<Timer>(options_.clock);
  threads_.reserve(lanes());
  for (int lane = 0; lane < lanes(); ++lane) {
    threads_.emplace_back([this, lane] { Work(lane); });
  }
}

Scheduler::~Scheduler() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    Tell();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status Scheduler::Submit(const DecisionQueue::Entry& decision,
                               std::shared_ptr<Task> task) {
  std::shared_ptr<Task> evicted;
  {
    const absl::Time now = options_.clock();
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const DecisionQueue::Pushed pushed,
                     queue_.Push(decision, now));
    tasks_.emplace(decision.id, std::move(task));
    if (pushed.evicted) {
      const auto found = tasks_.find(*pushed.evicted);
      evicted = std::move(found->second);
      tasks_.erase(found);
    }
    candidates_ = queue_.candidates();
    Tell();
    Arm();
  }
  if (evicted != nullptr) {
    executor_->Evict(
        std::move(evicted),
        MakeError(Reason::kOverloaded,
                  "this client has the most decisions waiting, and another "
                  "client needed the place",
                  absl::Milliseconds(20)));
  }
  return absl::OkStatus();
}

bool Scheduler::Withdraw(uint64_t id) {
  std::shared_ptr<Task> task;  // Released after unlocking.
  absl::MutexLock lock(&mutex_);
  if (!queue_.Remove(id)) return false;
  candidates_ = queue_.candidates();
  const auto found = tasks_.find(id);
  task = std::move(found->second);
  tasks_.erase(found);
  return true;
}

void Scheduler::Hurry() {
  absl::MutexLock lock(&mutex_);
  hurrying_ = true;
}

std::optional<Scheduler::Turn> Scheduler::Give(
    std::optional<DecisionQueue::Turn> turn) {
  candidates_ = queue_.candidates();
  if (!turn) return std::nullopt;
  const auto found = tasks_.find(turn->id);
  Turn given = {turn->id, turn->adapt && !hurrying_, std::move(found->second)};
  tasks_.erase(found);
  return given;
}

std::optional<Scheduler::Turn> Scheduler::Take() {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  return Give(queue_.Pop(now));
}

std::optional<Scheduler::Turn> Scheduler::TakeDue() {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  return Give(queue_.PopDue(now));
}

absl::Time Scheduler::next_due() const {
  absl::MutexLock lock(&mutex_);
  return queue_.next_due();
}

std::optional<Scheduler::Turn> Scheduler::Join(absl::Span<const uint64_t> ids) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  if (hurrying_) return std::nullopt;
  const auto joined = queue_.Join(ids, now);
  if (!joined) return std::nullopt;
  return Give(DecisionQueue::Turn{*joined, true});
}

std::optional<Scheduler::Turn> Scheduler::TakeUrgent(uint64_t id,
                                                     int steps_left) {
  if (candidates_ == 0) return std::nullopt;
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  return Give(queue_.PopUrgent(id, steps_left, now));
}

bool Scheduler::MayStep(uint64_t id, int count, int threads) const {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  return !hurrying_ && queue_.MayStep(id, count, threads, now);
}

void Scheduler::CountStep(absl::Span<const uint64_t> ids, int threads,
                          absl::Duration taken, bool whole) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  queue_.CountStep(ids, threads, taken, whole, now);
}

void Scheduler::CountOther(uint64_t id, absl::Duration taken) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  queue_.CountOther(id, taken, now);
}

void Scheduler::Finish(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  queue_.Finish(id);
}

int Scheduler::SplitThreads() const {
  const int idle_lanes = idle();
  if (idle_lanes == 0) return 1;
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  const bool busy = queue_.others_work(now) > kBusy * lanes();
  return busy || queue_.candidates() > 0 ? 1 : 1 + idle_lanes;
}

size_t Scheduler::size() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

void Scheduler::CallHelpers() {
  if (idle() == 0) return;
  absl::MutexLock lock(&mutex_);
  ++calls_;
  KeepApart();
}

// Linux often wakes a thread on its waker's core although another core is about
// to be idle, and then leaves both threads there for some milliseconds.
void Scheduler::KeepApart() {
  cpu_set_t others = AllowedCores();
  if (lanes() > kFewLanes || CPU_COUNT(&others) == 1) return;
  CPU_CLR(sched_getcpu(), &others);
  for (int lane = 0; lane < lanes(); ++lane) {
    if (!lanes_[lane].sleeps) continue;
    lanes_[lane].kept_apart =
        pthread_setaffinity_np(threads_[lane].native_handle(), sizeof(others),
                               &others) == 0;
  }
}

void Scheduler::EndKeepApart(int lane) {
  if (!lanes_[lane].kept_apart) return;
  sched_setaffinity(/*this thread*/ 0, sizeof(cpu_set_t), &AllowedCores());
  lanes_[lane].kept_apart = false;
}

void Scheduler::RunParallel(int count, int lanes, ParallelJob::Body body) {
  ParallelJob job(count, lanes, body);
  const int lane = job.Join();
  const bool shared = count > 1 && lanes > 1;
  if (shared) {
    absl::MutexLock lock(&mutex_);
    jobs_.push_back(&job);
    KeepApart();
    Tell();
  }
  while (job.RunOne(lane)) {
  }
  if (!shared) return;
  {
    absl::MutexLock lock(&mutex_);
    jobs_.remove(&job);
  }
  if (LookOut([&] { return job.joined() == 1; })) return;
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](ParallelJob* left) { return left->joined() == 1; }, &job));
}

void Scheduler::Work(int lane) {
  AddNiceness(options_.nice);
  RequestSlice(absl::ZeroDuration());
  bool helped = false;
  while (true) {
    std::optional<Turn> turn;
    ParallelJob* job = nullptr;
    int lane_of_job = 0;
    {
      absl::MutexLock lock(&mutex_);
      ++idle_;
      AwaitWork(lane, /*look=*/helped);
      --idle_;
      turn = Give(queue_.Pop(options_.clock()));
      if (turn) EndKeepApart(lane);
      if (!turn && (job = JobToHelp()) != nullptr) {
        lane_of_job = job->Join();
        queue_.BeginHelp();
      }
      if (!turn && job == nullptr && stopping_) return;
    }
    helped = job != nullptr;
    if (turn) {
      executor_->Run(lane, *std::move(turn));
    } else if (job != nullptr) {
      Help(*job, lane_of_job);
    }
  }
}

void Scheduler::AwaitWork(int lane, bool look) {
  uint64_t called = calls_;
  while (!HasWork()) {
    if (look) {
      const uint64_t seen = news_;
      mutex_.Unlock();
      look = LookOut([&] { return news_ != seen; });
      mutex_.Lock();
      continue;
    }
    const auto wake = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return HasWork() || calls_ != called;
    };
    EndKeepApart(lane);
    lanes_[lane].sleeps = true;
    mutex_.Await(absl::Condition(&wake));
    lanes_[lane].sleeps = false;
    look = calls_ != called;
    called = calls_;
  }
}

void Scheduler::Help(ParallelJob& job, int lane) {
  while (candidates_ == 0 && job.RunOne(lane)) {
  }
  absl::MutexLock lock(&mutex_);
  job.Leave(lane);
  queue_.EndHelp();
}

ParallelJob* Scheduler::JobToHelp() const {
  for (ParallelJob* job : jobs_) {
    if (job->has_room()) return job;
  }
  return nullptr;
}

// Due decisions are left to the thread for frozen answers, unless it falls
// behind (DecisionQueue::Pop).
bool Scheduler::HasWork() const {
  return stopping_ || queue_.candidates() > 0 || queue_.overdue() ||
         JobToHelp() != nullptr;
}

void Scheduler::Arm() {
  if (timer_ == nullptr) return;
  const absl::Time due = queue_.next_due();
  if (due >= armed_) return;
  timer_->Cancel(alarm_);  // Otherwise each alarm would set another one.
  armed_ = due;
  alarm_ = timer_->At(due, [this] { AnswerDue(); });
}

void Scheduler::AnswerDue() {
  while (std::optional<Turn> turn = TakeDue()) {
    executor_->Run(lanes(), *std::move(turn));
  }
  absl::MutexLock lock(&mutex_);
  armed_ = absl::InfiniteFuture();
  Arm();
}

}  // namespace foresight
