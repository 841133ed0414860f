#include "client/run/shared_stream.h"

#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"

namespace foresight {
namespace {

TEST(SharedStreamTest, EveryoneGetsTheSameStreamUntilItBreaks) {
  FakeAdaptationServer server(
      {FakeAdaptationServer::HalfCheetahModel("cheetah")});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  SharedStream streams(*client);
  const std::shared_ptr<ControlStream> first = streams.Current();
  EXPECT_EQ(streams.Current(), first);

  first->Close();
  const std::shared_ptr<ControlStream> second = streams.Current();
  EXPECT_NE(second, first);
  EXPECT_FALSE(second->broken());
  EXPECT_EQ(streams.Current(), second);
}

}  // namespace
}  // namespace foresight
