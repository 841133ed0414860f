// A client that tests kill. It opens the named sessions, or requests one
// decision of each by calls or over a stream, or opens the given number of
// sessions and keeps deciding in them. Then it waits to be ended.
//
// usage: endless_client open|act|control HOST:PORT SESSION_ID...
//        endless_client use HOST:PORT SESSIONS
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "proto/adaptation.grpc.pb.h"

namespace foresight {
namespace {

v1::ActRequest Request(const char* session) {
  v1::ActRequest request;
  request.set_session_id(session);
  for (int n = 0; n < 3; ++n) request.add_observation(0.5f);
  return request;
}

void Open(v1::Adaptation::Stub* stub,
          const std::vector<const char*>& sessions) {
  for (const char* session : sessions) {
    grpc::ClientContext context;
    v1::OpenSessionRequest request;
    request.set_session_id(session);
    v1::Session opened;
    if (!stub->OpenSession(&context, request, &opened).ok()) return;
  }
  pause();
}

void Act(v1::Adaptation::Stub* stub, const std::vector<const char*>& sessions) {
  std::vector<std::thread> calls;
  for (const char* session : sessions) {
    calls.emplace_back([stub, session] {
      grpc::ClientContext context;
      v1::ActResponse answer;
      if (stub->Act(&context, Request(session), &answer).ok()) {
        std::puts(session);
      }
    });
  }
  for (std::thread& call : calls) call.join();
}

void Control(v1::Adaptation::Stub* stub,
             const std::vector<const char*>& sessions) {
  grpc::ClientContext context;
  const auto stream = stub->Control(&context);
  for (const char* session : sessions) stream->Write(Request(session));
  v1::ControlResponse answer;
  while (stream->Read(&answer)) std::puts(answer.session_id().c_str());
}

void Use(v1::Adaptation::Stub* stub, int sessions) {
  grpc::ClientContext context;
  const auto stream = stub->Control(&context);
  std::map<std::string, v1::ActRequest> requests;  // By session.
  for (int i = 0; i < sessions; ++i) {
    grpc::ClientContext opening;
    v1::Session opened;
    if (!stub->OpenSession(&opening, {}, &opened).ok()) return;
    v1::ActRequest& request = requests[opened.session_id()];
    request.set_session_id(opened.session_id());
    request.mutable_observation()->Resize(
        static_cast<int>(opened.model().observation_size()), 0.5f);
    stream->Write(request);
  }
  v1::ControlResponse answer;
  while (stream->Read(&answer)) stream->Write(requests[answer.session_id()]);
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto stub = foresight::v1::Adaptation::NewStub(
      grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials()));
  const std::vector<const char*> sessions(argv + 3, argv + argc);
  if (std::string(argv[1]) == "open") {
    foresight::Open(stub.get(), sessions);
  } else if (std::string(argv[1]) == "use") {
    foresight::Use(stub.get(), std::atoi(argv[3]));
  } else if (std::string(argv[1]) == "act") {
    foresight::Act(stub.get(), sessions);
  } else {
    foresight::Control(stub.get(), sessions);
  }
  return 1;
}
