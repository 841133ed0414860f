#include "client/run/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace foresight {

InterruptWatch::InterruptWatch(Cancellation* cancellation) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Later threads inherit this, so only sigwait receives the signals.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::thread([this, cancellation, signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    if (stopping_) return;
    cancellation->Cancel();
    sigwait(&signals, &signal);
    if (!stopping_) _exit(1);
  });
}

InterruptWatch::~InterruptWatch() {
  stopping_ = true;
  pthread_kill(waiter_.native_handle(), SIGTERM);
  waiter_.join();
}

}  // namespace foresight
