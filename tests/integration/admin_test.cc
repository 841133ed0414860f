// Administrators may load, unload, list and drain; others may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "absl/strings/str_cat.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "tests/integration/administered_test.h"
#include "tests/integration/health.grpc.pb.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/http_get.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = grpc::StatusCode;

class AdminTest : public AdministeredTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (root_.path() / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }
  void UseTokens() {
    options_.security.tokens =
        Write("tokens", absl::StrCat("alice act ", Sha256Hex("alice"),
                                     "\nroot admin ", Sha256Hex("root"), "\n"));
  }
  static std::unique_ptr<grpc::ClientContext> With(const std::string& token) {
    auto context = Within(kPatience);
    if (!token.empty()) {
      context->AddMetadata("authorization", "Bearer " + token);
    }
    return context;
  }
  // The codes of all four methods, called with `token`.
  std::vector<Code> CallAll(v1::Admin::Stub& admin, const std::string& token) {
    v1::Model model;
    v1::UnloadModelResponse unloaded;
    v1::ListSessionsResponse list;
    v1::DrainResponse drained;
    return {
        admin.LoadModel(With(token).get(), {}, &model).error_code(),
        admin.UnloadModel(With(token).get(), {}, &unloaded).error_code(),
        admin.ListSessions(With(token).get(), {}, &list).error_code(),
        admin.Drain(With(token).get(), {}, &drained).error_code(),
    };
  }
  std::string MetricsPage() const {
    return HttpGet(server_->metrics_port(), "/metrics");
  }
};

TEST_F(AdminTest, ANewNameIsAdded) {
  const std::string fresh = SaveModel("hopper", 2, "hopper");
  StartAdministered();
  v1::Model model;
  ASSERT_TRUE(Load("hopper", &model).ok());
  EXPECT_EQ(model.name(), "hopper");
  EXPECT_EQ(model.weights_sha256(), fresh);
  EXPECT_EQ(ServedWeights("hopper"), fresh);
  v1::OpenSessionRequest request;
  request.set_model("hopper");
  v1::Session session;
  ASSERT_TRUE(ServedTest::Open(request, &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), fresh);
  EXPECT_THAT(MetricsPage(),
              AllOf(HasSubstr(absl::StrCat("weights_sha256=\"", fresh, "\"")),
                    HasSubstr("foresight_model_generations 2\n"),
                    HasSubstr("foresight_model_generations_limit 16\n")));
}

TEST_F(AdminTest, OpenSessionsKeepTheirWeightsUntilTheyAreReset) {
  const std::string fresh = SaveModel("v2", 2);
  StartAdministered();
  const std::string old = ServedWeights();
  Open("before");
  Open("kept");
  MustAct(Request("before", 0.5f));
  EXPECT_EQ(MustLoad("v2"), fresh);
  EXPECT_NE(fresh, old);
  Open("after");
  EXPECT_EQ(WeightsOf("before"), old);
  EXPECT_EQ(WeightsOf("after"), fresh);
  MustAct(Request("before", 0.5f, 1));
  EXPECT_THAT(MetricsPage(), AllOf(HasSubstr(fresh), Not(HasSubstr(old))));
  v1::Session session;
  ASSERT_TRUE(Reset("before", &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), fresh);
  EXPECT_EQ(WeightsOf("before"), fresh);
  MustAct(Request("before", 0.5f, 0));
  // An adapted policy belongs to the weights that it was adapted on.
  v1::ResetSessionRequest keep;
  keep.set_session_id("kept");
  keep.set_keep_policy(true);
  ASSERT_TRUE(stub_->ResetSession(Patient().get(), keep, &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), old);
  EXPECT_EQ(WeightsOf("kept"), old);
  // The old weights go with the last session that uses them.
  EXPECT_TRUE(AwaitMetric("foresight_model_generations", 2));
  ASSERT_TRUE(Close("kept").ok());
  EXPECT_TRUE(AwaitMetric("foresight_model_generations", 1));
}

TEST_F(AdminTest, AResetCompletesTheSettingsFromTheNewDefaults) {
  RandomBundleOptions other;
  other.kind = DynamicsKind::kMeanFlow;
  other.sampler_steps = 2;
  SaveModel("flow", 2, kName, other);
  StartAdministered();
  v1::OpenSessionRequest request;
  request.set_session_id("free");
  request.mutable_settings()->set_horizon(2);
  ASSERT_TRUE(ServedTest::Open(request).ok());
  request.set_session_id("bound");
  request.mutable_settings()->set_sampler_steps(3);  // K of the first model.
  ASSERT_TRUE(ServedTest::Open(request).ok());
  const std::string fresh = MustLoad("flow");
  v1::Session session;
  ASSERT_TRUE(Reset("free", &session).ok());
  EXPECT_EQ(session.settings().horizon(), 2u);
  EXPECT_EQ(session.settings().sampler_steps(), 2u);
  ASSERT_TRUE(Reset("bound", &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), fresh);
  EXPECT_EQ(session.settings().sampler_steps(), 3u);
}

TEST_F(AdminTest, ASessionThatDoesNotFitTheNewWeightsStaysWithItsOwn) {
  RandomBundleOptions other;
  other.sampler_steps = 5;
  SaveModel("deeper", 2, kName, other);
  StartAdministered();
  const std::string old = ServedWeights();
  v1::OpenSessionRequest request;
  request.set_session_id("bound");
  request.mutable_settings()->set_sampler_steps(3);  // The old K.
  ASSERT_TRUE(ServedTest::Open(request).ok());
  EXPECT_NE(MustLoad("deeper"), old);
  v1::Session session;
  ASSERT_TRUE(Reset("bound", &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), old);
  EXPECT_EQ(WeightsOf("bound"), old);
  MustAct(Request("bound", 0.5f));
}

TEST_F(AdminTest, ABundleThatIsRefusedLeavesEverythingAsItWas) {
  SaveBrokenModel("broken");
  RandomBundleOptions wide;
  wide.observation_size = 4;
  SaveModel("wide", 5, kName, wide);
  StartAdministered();
  const std::string old = ServedWeights();
  Open("a");
  const SeenError broken = Seen(Load("broken"));
  EXPECT_EQ(broken.code, Code::INVALID_ARGUMENT);
  EXPECT_EQ(broken.reason, "BUNDLE_INVALID");
  EXPECT_THAT(broken.message, HasSubstr("weights.safetensors: "));
  const SeenError other_shape = Seen(Load("wide"));
  EXPECT_EQ(other_shape.reason, "BUNDLE_INVALID");
  EXPECT_THAT(other_shape.message, HasSubstr("observations of 4 values"));
  const SeenError missing = Seen(Load("missing"));
  EXPECT_EQ(missing.reason, "BUNDLE_INVALID");
  EXPECT_EQ(ServedWeights(), old);
  MustAct(Request("a", 0.5f));
  Open("b");
  EXPECT_EQ(WeightsOf("b"), old);
  EXPECT_THAT(MetricsPage(),
              AllOf(HasSubstr("foresight_model_generations 1\n"),
                    HasSubstr("foresight_model_loads_total{result=\"refused\"}"
                              " 3\n")));
}

TEST_F(AdminTest, AnEngineThatFailsOnABundleRefusesIt) {
  SaveModel("v2", 2);
  StartAdministered();
  const std::string old = ServedWeights();
  engine_->Fail(absl::InternalError("no"));
  const SeenError refused = Seen(Load("v2"));
  EXPECT_EQ(refused.reason, "BUNDLE_INVALID");
  EXPECT_THAT(refused.message, HasSubstr("engine fake fails"));
  EXPECT_EQ(ServedWeights(), old);
}

TEST_F(AdminTest, ALoadDoesNotHoldUpDecisions) {
  SaveModel("v2", 2);
  StartAdministered();
  const std::string old = ServedWeights();
  Open("frozen", /*steps=*/0);
  engine_->Hold();  // The warm-up takes a step.
  auto load = std::async(std::launch::async, [this] { return MustLoad("v2"); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  for (int i = 0; i < 10; ++i) MustAct(Request("frozen", 0.5f));
  EXPECT_EQ(ServedWeights(), old);
  engine_->Release();
  const std::string fresh = load.get();
  EXPECT_NE(fresh, old);
  EXPECT_EQ(ServedWeights(), fresh);
}

TEST_F(AdminTest, GenerationsInMemoryAreBounded) {
  SaveModel("v2", 2);
  SaveModel("v3", 3);
  options_.registry.max_generations = 2;
  StartAdministered();
  const std::string old = ServedWeights();
  Open("a");
  const std::string second = MustLoad("v2");
  const SeenError full = Seen(Load("v3"));
  EXPECT_EQ(full.code, Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(full.reason, "MODELS_FULL");
  EXPECT_EQ(ServedWeights(), second);
  // Weights that are still in memory can be served again, as a way back.
  std::filesystem::copy(options_.models[0], InRoot("v1"));
  EXPECT_EQ(MustLoad("v1"), old);
  ASSERT_TRUE(Close("a").ok());
  EXPECT_TRUE(Load("v3").ok());
}

TEST_F(AdminTest, MoreModelsThanAllowedDoNotStart) {
  AddModel("another");
  options_.registry.max_generations = 1;
  const auto server =
      Server::Start(options_, "test", [this](auto) { return engine_; });
  EXPECT_EQ(server.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(AdminTest, FoldersOutsideOfTheRootAreRefused) {
  std::filesystem::create_directory_symlink(options_.models[0], InRoot("away"));
  StartAdministered();
  const std::string old = ServedWeights();
  for (const std::string& folder :
       {options_.models[0], std::string("../models/x"), std::string("away"),
        std::string(""), std::string(".")}) {
    const SeenError refused = Seen(Load(folder));
    EXPECT_EQ(refused.code, Code::INVALID_ARGUMENT) << folder;
    EXPECT_EQ(refused.reason, "BUNDLE_INVALID") << folder;
  }
  EXPECT_EQ(ServedWeights(), old);
}

TEST_F(AdminTest, WithoutARootNoFolderIsLoaded) {
  SaveModel("v2", 2);
  options_.model_root.clear();
  StartAdministered();
  const SeenError refused = Seen(Load("v2"));
  EXPECT_EQ(refused.reason, "BUNDLE_INVALID");
  EXPECT_THAT(refused.message, HasSubstr("without --model-root"));
}

TEST_F(AdminTest, AnUnloadedModelServesItsOpenSessionsAlone) {
  StartAdministered();
  Open("a");
  Open("b");
  v1::UnloadModelResponse response;
  ASSERT_TRUE(Unload(kName, &response).ok());
  EXPECT_EQ(response.open_sessions(), 2u);
  EXPECT_EQ(Seen(ServedTest::Open(v1::OpenSessionRequest())).reason,
            "MODEL_UNKNOWN");
  EXPECT_EQ(ServedWeights(), "");
  MustAct(Request("a", 0.5f));
  ASSERT_TRUE(Reset("a").ok());  // There is no other model to go to.
  MustAct(Request("a", 0.5f, 0));
  EXPECT_EQ(Seen(Unload(kName)).reason, "MODEL_UNKNOWN");
  EXPECT_THAT(MetricsPage(), Not(HasSubstr("foresight_model_info{")));
  ASSERT_TRUE(Close("a").ok());
  ASSERT_TRUE(Close("b").ok());
  EXPECT_TRUE(AwaitMetric("foresight_model_generations", 0));
}

TEST_F(AdminTest, AFolderGivenAtTheStartIsReloaded) {
  StartAdministered();
  const std::string old = ServedWeights();
  server_->ReloadModels();  // Nothing has changed.
  ASSERT_TRUE(AwaitMetric("foresight_model_loads_total{result=\"loaded\"}", 1));
  EXPECT_EQ(ServedWeights(), old);
  const std::filesystem::path folder = options_.models[0];
  RandomBundleOptions bundle;
  bundle.seed = 9;
  ASSERT_TRUE(RandomBundle(bundle).Save(folder).ok());
  server_->ReloadModels();
  ASSERT_TRUE(AwaitMetric("foresight_model_loads_total{result=\"loaded\"}", 2));
  const std::string fresh = ServedWeights();
  EXPECT_NE(fresh, old);
  std::filesystem::resize_file(folder / "weights.safetensors", 100);
  server_->ReloadModels();
  ASSERT_TRUE(
      AwaitMetric("foresight_model_loads_total{result=\"refused\"}", 1));
  EXPECT_EQ(ServedWeights(), fresh);
}

TEST_F(AdminTest, SessionsAreListedInPages) {
  StartAdministered();
  for (const char* id : {"c", "a", "e", "b", "d"}) Open(id);
  MustAct(Request("b", 0.5f));
  v1::ListSessionsRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  int pages = 0;
  do {
    v1::ListSessionsResponse page;
    ASSERT_TRUE(List(request, &page).ok());
    EXPECT_LE(page.sessions_size(), 2);
    for (const auto& session : page.sessions()) {
      ids.push_back(session.session_id());
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, ElementsAre("a", "b", "c", "d", "e"));
  v1::ListSessionsResponse all;
  ASSERT_TRUE(List({}, &all).ok());
  ASSERT_EQ(all.sessions_size(), 5);
  EXPECT_EQ(all.next_page_token(), "");
  const v1::SessionSummary& decided = all.sessions(1);
  EXPECT_EQ(decided.model(), kName);
  EXPECT_EQ(decided.weights_sha256(), ServedWeights());
  EXPECT_EQ(decided.owner(), "");
  EXPECT_EQ(decided.next_decision(), 1u);
  EXPECT_EQ(decided.last_report().steps_done(), 1u);
  EXPECT_FALSE(all.sessions(0).has_last_report());
  EXPECT_GE(decided.opened().seconds(), absl::ToUnixSeconds(absl::Now()) - 60);
  EXPECT_LE(decided.opened().seconds(), absl::ToUnixSeconds(absl::Now()) + 1);
  EXPECT_LT(decided.idle().seconds(), 60);
}

TEST_F(AdminTest, AWrongListRequestIsRefused) {
  StartAdministered();
  v1::ListSessionsRequest request;
  v1::ListSessionsResponse page;
  request.set_page_size(1001);
  SeenError refused = Seen(List(request, &page));
  EXPECT_EQ(refused.reason, "SETTINGS_INVALID");
  EXPECT_EQ(refused.message, "page_size is 1001, expected at most 1000");
  request.set_page_size(1000);
  request.set_page_token("*");
  refused = Seen(List(request, &page));
  EXPECT_EQ(refused.reason, "SETTINGS_INVALID");
  EXPECT_THAT(refused.message, HasSubstr("page_token"));
}

TEST_F(AdminTest, OnlyTheRoleAdminMayAdministrate) {
  UseTokens();
  StartAdministered();
  v1::OpenSessionRequest request;
  request.set_session_id("hers");
  v1::Session session;
  ASSERT_TRUE(stub_->OpenSession(With("alice").get(), request, &session).ok());
  EXPECT_THAT(CallAll(*admin_, "alice"),
              ::testing::Each(Code::PERMISSION_DENIED));
  EXPECT_THAT(CallAll(*admin_, ""), ::testing::Each(Code::UNAUTHENTICATED));
  EXPECT_THAT(CallAll(*admin_, "wrong"),
              ::testing::Each(Code::UNAUTHENTICATED));
  v1::ListSessionsResponse list;
  ASSERT_TRUE(admin_->ListSessions(With("root").get(), {}, &list).ok());
  ASSERT_EQ(list.sessions_size(), 1);
  EXPECT_EQ(list.sessions(0).owner(), "alice");
  // Nobody has drained or unloaded anything.
  EXPECT_TRUE(stub_->OpenSession(With("root").get(), {}, &session).ok());
  EXPECT_THAT(
      CallAll(*admin_, "root"),
      ElementsAre(Code::INVALID_ARGUMENT, Code::NOT_FOUND, Code::OK, Code::OK));
}

TEST_F(AdminTest, EachAddressHasItsOwnService) {
  StartAdministered();
  EXPECT_NE(server_->admin_address(), server_->address());
  const auto admin_on_main = v1::Admin::NewStub(channel_);
  EXPECT_THAT(CallAll(*admin_on_main, ""),
              ::testing::Each(Code::UNIMPLEMENTED));
  const auto main_on_admin = v1::Adaptation::NewStub(grpc::CreateChannel(
      server_->admin_address(), grpc::InsecureChannelCredentials()));
  v1::ListModelsResponse models;
  EXPECT_EQ(
      main_on_admin->ListModels(Patient().get(), {}, &models).error_code(),
      Code::UNIMPLEMENTED);
}

TEST_F(AdminTest, AdministrationIsOverTlsWhereTheServiceIs) {
  const CertificateAuthority authority("Server CA");
  const IssuedCertificate server = authority.IssueServer();
  options_.security.certificates.certificate =
      Write("cert", server.certificate);
  options_.security.certificates.key = Write("key", server.key);
  UseTokens();
  StartAdministered();
  v1::ListSessionsResponse list;
  EXPECT_EQ(admin_->ListSessions(With("root").get(), {}, &list).error_code(),
            Code::UNAVAILABLE);  // In plain text.
  const auto admin = v1::Admin::NewStub(grpc::CreateChannel(
      server_->admin_address(),
      grpc::SslCredentials({authority.certificate(), "", ""})));
  EXPECT_TRUE(admin->ListSessions(With("root").get(), {}, &list).ok());
  EXPECT_EQ(admin->ListSessions(With("alice").get(), {}, &list).error_code(),
            Code::PERMISSION_DENIED);
}

TEST_F(AdminTest, ATakenAddressIsNamed) {
  StartAdministered();
  ServerOptions second = options_;
  second.admin_listen = server_->admin_address();
  const auto server =
      Server::Start(second, "test", [this](auto) { return engine_; });
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(server.status().message()),
              HasSubstr(second.admin_listen));
}

class DrainTest : public AdminTest {
 protected:
  std::future<v1::DrainResponse> Drain() {
    return std::async(std::launch::async, [this] {
      v1::DrainResponse response;
      const grpc::Status status = admin_->Drain(Patient().get(), {}, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      return response;
    });
  }
};

TEST_F(DrainTest, ItAnswersWhenNoDecisionIsInFlight) {
  StartAdministered();
  Open("a");
  engine_->Hold();
  auto decision = std::async(std::launch::async,
                             [this] { return MustAct(Request("a", 0.5f)); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  const auto context = Patient();
  const auto stream = stub_->Control(context.get());
  ASSERT_TRUE(AwaitMetric("foresight_control_streams", 1));
  auto drain = Drain();
  v1::ControlResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_EQ(Seen(stream->Finish()).reason, "DRAINING");
  EXPECT_EQ(Seen(ServedTest::Open(v1::OpenSessionRequest())).reason,
            "DRAINING");
  EXPECT_THAT(HttpGet(server_->metrics_port(), "/readyz"), HasSubstr(" 503 "));
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::health::v1::HealthCheckResponse seen;
  ASSERT_TRUE(health->Check(Patient().get(), {}, &seen).ok());
  EXPECT_EQ(seen.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(drain.wait_for(std::chrono::milliseconds(0)),
            std::future_status::timeout);
  engine_->Release();
  decision.get();
  EXPECT_EQ(drain.get().snapshots(), 0u);  // Sessions are stored nowhere.
  // Clients may still move their sessions elsewhere.
  v1::ExportSessionRequest request;
  request.set_session_id("a");
  v1::SessionSnapshot snapshot;
  EXPECT_TRUE(stub_->ExportSession(Patient().get(), request, &snapshot).ok());
}

TEST_F(DrainTest, SessionsAreKeptWhateverTheDurability) {
  int run = 0;
  for (const Durability durability :
       {Durability::kNone, Durability::kInterval, Durability::kEach}) {
    options_.state_dir = (root_.path() / absl::StrCat(run++)).string();
    options_.journal.durability = durability;
    StartAdministered();
    for (const char* id : {"a", "b", "closed"}) {
      Open(id);
      MustAct(Request(id, 0.5f));
    }
    EXPECT_EQ(Drain().get().snapshots(), 3u) << run;
    EXPECT_EQ(Drain().get().snapshots(), 3u);  // As the first.
    ASSERT_TRUE(Close("closed").ok());
    server_->Shutdown();
    server_.reset();
    StartAdministered();
    v1::ActResponse response;
    EXPECT_TRUE(Act(Request("a", 0.5f, 1), &response).ok()) << run;
    EXPECT_EQ(response.report().resumed_from(), 1u);
    EXPECT_EQ(Seen(Act(Request("closed", 0.5f, 1))).reason, "SESSION_UNKNOWN")
        << run;
    server_.reset();
  }
}

TEST_F(DrainTest, NoModelIsLoadedOnceTheServerEnds) {
  SaveModel("v2", 2);
  StartAdministered();
  engine_->Hold();
  auto load = std::async(std::launch::async, [this] { return Load("v2"); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  auto waiting = std::async(std::launch::async, [this] { return Load("v2"); });
  auto shutdown =
      std::async(std::launch::async, [this] { server_->Shutdown(); });
  engine_->Release();
  load.get();  // Either way it is answered.
  waiting.get();
  shutdown.get();
}

}  // namespace
}  // namespace foresight
