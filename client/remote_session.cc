#include "foresight/remote_session.h"

#include <utility>

#include "client/observation.h"
#include "client/session_calls.h"

namespace foresight {

RemoteSession::RemoteSession(std::unique_ptr<SessionCalls> calls)
    : calls_(std::move(calls)) {}
RemoteSession::~RemoteSession() = default;
RemoteSession::RemoteSession(RemoteSession&&) noexcept = default;
RemoteSession& RemoteSession::operator=(RemoteSession&&) noexcept = default;

const std::string& RemoteSession::id() const { return calls_->id(); }

const v1::Session& RemoteSession::description() const {
  return calls_->description();
}

uint64_t RemoteSession::next_decision() const {
  return calls_->decisions().next();
}

uint64_t RemoteSession::epoch() const { return calls_->decisions().epoch(); }

int64_t RemoteSession::stale_answers() const {
  return calls_->decisions().stale_answers();
}

int64_t RemoteSession::lost_decisions() const {
  return calls_->decisions().lost_decisions();
}

RemoteSession::Answer RemoteSession::Act(absl::Span<const float> observation,
                                         const ActOptions& options) {
  return calls_->Act(observation, options);
}

RemoteSession::Answer RemoteSession::Act(absl::Span<const double> observation,
                                         const ActOptions& options) {
  return calls_->Act(ToFloat(observation), options);
}

void RemoteSession::ActAsync(absl::Span<const float> observation,
                             const ActOptions& options, OnAnswer on_answer) {
  calls_->ActAsync(observation, options, std::move(on_answer));
}

void RemoteSession::ActAsync(absl::Span<const double> observation,
                             const ActOptions& options, OnAnswer on_answer) {
  calls_->ActAsync(ToFloat(observation), options, std::move(on_answer));
}

absl::Status RemoteSession::Reset(const ResetOptions& options) {
  return calls_->Reset(options);
}

absl::Status RemoteSession::Close(const CallOptions& call) {
  return calls_->Close(call);
}

int RemoteSession::Place() { return calls_->Place(); }

int RemoteSession::replica() const { return calls_->replica(); }

bool RemoteSession::leaving() const { return calls_->leaving(); }

SessionCalls& CallsOf(RemoteSession& session) { return *session.calls_; }

}  // namespace foresight
