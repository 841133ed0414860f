// A server with an address for administrators and a folder of models that they
// may load.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "proto/admin.grpc.pb.h"
#include "tests/integration/served_test.h"

namespace foresight {

class AdministeredTest : public ServedTest {
 protected:
  // "random" is what the server serves at first.
  static constexpr char kName[] = "random";

  AdministeredTest() {
    options_.admin_listen = "127.0.0.1:0";
    options_.model_root = (root_.path() / "models").string();
    std::filesystem::create_directories(options_.model_root);
  }

  void StartAdministered(const std::string& engine = "fake") {
    StartServer(engine);
    admin_ = v1::Admin::NewStub(grpc::CreateChannel(
        server_->admin_address(), grpc::InsecureChannelCredentials()));
  }

  // Writes a bundle below the model root; returns its hash.
  std::string SaveModel(const std::string& folder, uint64_t seed,
                        const std::string& name = kName,
                        RandomBundleOptions bundle = {}) {
    bundle.name = name;
    bundle.seed = seed;
    const Bundle made = RandomBundle(bundle);
    EXPECT_TRUE(made.Save(InRoot(folder)).ok());
    return made.manifest().weights_sha256();
  }
  // Writes a bundle whose weights are cut short.
  void SaveBrokenModel(const std::string& folder) {
    SaveModel(folder, 77);
    std::filesystem::resize_file(
        std::filesystem::path(InRoot(folder)) / "weights.safetensors", 100);
  }
  std::string InRoot(const std::string& folder) const {
    return options_.model_root + "/" + folder;
  }

  grpc::Status Load(const std::string& folder, v1::Model* model = nullptr) {
    v1::LoadModelRequest request;
    request.set_folder(folder);
    v1::Model unused;
    return admin_->LoadModel(Patient().get(), request,
                             model == nullptr ? &unused : model);
  }
  // Returns the hash of the weights; the test fails if loading does.
  std::string MustLoad(const std::string& folder) {
    v1::Model model;
    const grpc::Status status = Load(folder, &model);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return model.weights_sha256();
  }
  grpc::Status Unload(const std::string& name,
                      v1::UnloadModelResponse* response = nullptr) {
    v1::UnloadModelRequest request;
    request.set_name(name);
    v1::UnloadModelResponse unused;
    return admin_->UnloadModel(Patient().get(), request,
                               response == nullptr ? &unused : response);
  }
  grpc::Status List(const v1::ListSessionsRequest& request,
                    v1::ListSessionsResponse* response) {
    return admin_->ListSessions(Patient().get(), request, response);
  }
  // The hash that the list gives for the session; empty if it is not there.
  std::string WeightsOf(const std::string& id) {
    v1::ListSessionsResponse list;
    EXPECT_TRUE(List({}, &list).ok());
    for (const v1::SessionSummary& session : list.sessions()) {
      if (session.session_id() == id) return session.weights_sha256();
    }
    return "";
  }
  std::string ServedWeights(const std::string& name = kName) {
    v1::GetModelRequest request;
    request.set_name(name);
    v1::Model model;
    stub_->GetModel(Patient().get(), request, &model);
    return model.weights_sha256();
  }

  TemporaryFolder root_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace foresight
