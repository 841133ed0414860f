// A client for tests to kill: asks for one decision of each session named, over
// a stream, and reads answers until somebody ends it.
// usage: endless_client HOST:PORT SESSION_ID...
#include <cstdio>

#include "grpcpp/grpcpp.h"
#include "proto/adaptation.grpc.pb.h"

int main(int argc, char** argv) {
  using namespace foresight;
  if (argc < 3) return 2;
  const auto stub = v1::Adaptation::NewStub(
      grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Control(&context);
  for (int i = 2; i < argc; ++i) {
    v1::ActRequest request;
    request.set_session_id(argv[i]);
    for (int n = 0; n < 3; ++n) request.add_observation(0.5f);
    if (!stream->Write(request)) return 1;
  }
  v1::ControlResponse answer;
  while (stream->Read(&answer)) {
    std::puts(answer.session_id().c_str());
  }
  return 1;
}
