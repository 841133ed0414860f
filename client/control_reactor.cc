#include "client/control_reactor.h"

#include "absl/strings/str_cat.h"
#include "client/error_conversion.h"

namespace foresight {
namespace {

std::vector<float> ObservationOf(const v1::ActRequest& request) {
  return {request.observation().begin(), request.observation().end()};
}

absl::Status InFlight(const v1::ActRequest& request) {
  return CallError(
      absl::StatusCode::kAborted,
      absl::StrCat("decision ", request.decision_index(), " of session \"",
                   request.session_id(), "\" awaits its answer already"),
      "DECISION_IN_FLIGHT", std::nullopt);
}

// A stream shows its token once, when it is opened. If the server refuses the
// token later, it has been replaced in the meantime.
absl::Status TokenRefused() {
  return absl::UnavailableError(
      "the server no longer takes the token that the stream was opened with; "
      "open another stream to show the present one");
}

}  // namespace

ControlReactor::ControlReactor(v1::Adaptation::StubInterface& stub) {
  stub.async()->Control(&context_, this);
  // The hold is needed because writes start outside of the On... functions. The
  // first thread that sees the stream end releases it.
  AddHold();
  StartRead(&response_);
  StartCall();
}

uint64_t ControlReactor::Send(const v1::ActRequest& request,
                              OnAnswer on_answer) {
  const Key key = {request.session_id(), request.decision_index()};
  uint64_t ticket = 0;
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    ticket = next_ticket_++;
    const auto found = pending_.find(key);
    if (end_.has_value()) {
      refusal = *end_;
    } else if (found == pending_.end()) {
      // On an ending stream the request waits for OnDone, which has the reason.
      pending_[key] = {ticket, ObservationOf(request), std::move(on_answer)};
      queue_.push_back(request);
    } else if (found->second.on_answer == nullptr &&
               found->second.observation == ObservationOf(request)) {
      found->second.ticket = ticket;
      found->second.on_answer = std::move(on_answer);
    } else {
      refusal = InFlight(request);
    }
  }
  if (refusal.ok()) {
    Advance();
  } else {
    on_answer(refusal);
  }
  return ticket;
}

void ControlReactor::GiveUp(const Key& key, uint64_t ticket) {
  absl::MutexLock lock(&mutex_);
  const auto found = pending_.find(key);
  if (found != pending_.end() && found->second.ticket == ticket) {
    found->second.on_answer = nullptr;
  }
}

void ControlReactor::Advance() {
  bool write = false;
  bool release = false;
  {
    absl::MutexLock lock(&mutex_);
    if (in_write_) return;
    if (ending_) {
      release = std::exchange(held_, false);
    } else if (!queue_.empty()) {
      writing_ = std::move(queue_.front());
      queue_.pop_front();
      in_write_ = write = true;
    }
  }
  if (write) StartWrite(&writing_);
  if (release) RemoveHold();
}

void ControlReactor::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    in_write_ = false;
    ending_ = ending_ || !ok;
  }
  Advance();
}

void ControlReactor::OnReadDone(bool ok) {
  const bool token_refused =
      ok && response_.error().code() == grpc::StatusCode::UNAUTHENTICATED;
  OnAnswer on_answer;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = ending_ || !ok || token_refused;
    token_refused_ = token_refused_ || token_refused;
    const auto found =
        pending_.find({response_.session_id(), response_.decision_index()});
    if (ok && found != pending_.end()) {
      on_answer = std::move(found->second.on_answer);
      pending_.erase(found);
    }
  }
  if (!ok) return Advance();
  if (on_answer != nullptr && response_.has_response()) {
    on_answer(std::move(*response_.mutable_response()));
  } else if (on_answer != nullptr && token_refused) {
    on_answer(TokenRefused());
  } else if (on_answer != nullptr) {
    on_answer(FromAnswer(response_.error()));
  }
  if (token_refused) Cancel();
  response_.Clear();
  StartRead(&response_);
}

void ControlReactor::OnDone(const grpc::Status& status) {
  absl::Status end = FromCall(status);
  if (end.ok()) end = absl::UnavailableError("the server ended the stream");
  std::map<Key, Pending> pending;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    if (token_refused_) end = TokenRefused();
    end_ = end;
    pending.swap(pending_);
  }
  for (auto& [key, request] : pending) {
    if (request.on_answer != nullptr) request.on_answer(end);
  }
  absl::MutexLock lock(&mutex_);
  done_ = true;
}

}  // namespace foresight
