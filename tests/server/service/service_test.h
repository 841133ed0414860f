// The fixture for tests of one kind of call: a gRPC server on this machine
// whose decisions the fake engine makes.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "prometheus/text_serializer.h"
#include "proto/adaptation.grpc.pb.h"
#include "tests/server/decisions/maker_test.h"

namespace foresight {

class ServiceTest : public MakerTest {
 protected:
  void TearDown() override {
    engine_->Release();
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  // `service` must outlive TearDown.
  void Serve(grpc::Service* service) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::Adaptation::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  // The context of a call whose deadline is `time` from now.
  static std::unique_ptr<grpc::ClientContext> Within(absl::Duration time) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          absl::ToChronoMilliseconds(time));
    return context;
  }

  // A request of more than 64 KiB, which is refused: too many values.
  static v1::ActRequest LongRequest() {
    v1::ActRequest request;
    for (int i = 0; i < kLongValues; ++i) request.add_observation(0);
    return request;
  }
  static constexpr int kLongValues = 100'000;
  static constexpr size_t kLongBytes = sizeof(float) * kLongValues;

  std::string MetricsPage() const {
    return prometheus::TextSerializer().Serialize(
        metrics_.registry()->Collect());
  }

  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
};

}  // namespace foresight
