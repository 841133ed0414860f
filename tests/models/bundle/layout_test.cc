#include "models/bundle/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<std::string> Shown(const std::vector<TensorSpec>& specs) {
  std::vector<std::string> shown;
  for (const TensorSpec& spec : specs) {
    shown.push_back(absl::StrCat(spec.name, " [",
                                 absl::StrJoin(spec.shape, ", "), "]",
                                 spec.is_std ? " std" : ""));
  }
  return shown;
}

TEST(NetworkTensors, GoLayerByLayerWithTheNormsOfHiddenOnes) {
  v1::Network network;
  network.add_hidden(4);
  network.add_hidden(5);
  EXPECT_THAT(Shown(NetworkTensors("x", network, 3, 2)),
              ElementsAre("x.layers.0.weight [4, 3]", "x.layers.0.bias [4]",
                          "x.layers.1.weight [5, 4]", "x.layers.1.bias [5]",
                          "x.layers.2.weight [2, 5]", "x.layers.2.bias [2]"));
  network.set_layer_norm(true);
  EXPECT_THAT(Shown(NetworkTensors("x", network, 3, 2)),
              ElementsAre("x.layers.0.weight [4, 3]", "x.layers.0.bias [4]",
                          "x.norms.0.weight [4]", "x.norms.0.bias [4]",
                          "x.layers.1.weight [5, 4]", "x.layers.1.bias [5]",
                          "x.norms.1.weight [5]", "x.norms.1.bias [5]",
                          "x.layers.2.weight [2, 5]", "x.layers.2.bias [2]"));
}

// The tensors of docs/bundle-format.md for S = 3, A = 2, T = 8 and B = 2.
TEST(BundleTensors, AreThoseOfTheFormat) {
  RandomBundleOptions options;
  options.policy = {{4}, "relu", false};
  options.critic = {{5}, "relu", true};
  options.reward = {{6}, "relu", false};
  options.dynamics = {{7}, "relu", false};
  options.members = 2;
  std::vector<std::string> expected = {
      "policy.input.mean [3]",         "policy.input.std [3] std",
      "policy.layers.0.weight [4, 3]", "policy.layers.0.bias [4]",
      "policy.layers.1.weight [2, 4]", "policy.layers.1.bias [2]"};
  for (const std::string critic : {"critic.0", "critic.1"}) {
    for (const char* tensor :
         {".input.mean [5]", ".input.std [5] std", ".layers.0.weight [5, 5]",
          ".layers.0.bias [5]", ".norms.0.weight [5]", ".norms.0.bias [5]",
          ".layers.1.weight [1, 5]", ".layers.1.bias [1]"}) {
      expected.push_back(critic + tensor);
    }
  }
  for (const char* tensor :
       {"reward.input.mean [5]", "reward.input.std [5] std",
        "reward.output.mean [1]", "reward.output.std [1] std",
        "reward.layers.0.weight [6, 5]", "reward.layers.0.bias [6]",
        "reward.layers.1.weight [1, 6]", "reward.layers.1.bias [1]",
        "dynamics.input.mean [5]", "dynamics.input.std [5] std",
        "dynamics.output.mean [3]", "dynamics.output.std [3] std"}) {
    expected.push_back(tensor);
  }
  for (const std::string member : {"dynamics.0", "dynamics.1"}) {
    for (const char* tensor : {".layers.0.weight [7, 16]", ".layers.0.bias [7]",
                               ".layers.1.weight [3, 7]", ".layers.1.bias [3]"})
      expected.push_back(member + tensor);
  }
  EXPECT_THAT(Shown(BundleTensors(RandomManifest(options))),
              ElementsAreArray(expected));
}

TEST(CheckTensors, RefusesTensorsThatAreNotListed) {
  const std::vector<TensorSpec> specs = {{"w", {2, 3}}, {"std", {2}, true}};
  const TensorMap right = {{"w", {{2, 3}, std::vector<float>(6, -1)}},
                           {"std", {{2}, {kMinStd, 1e30f}}}};
  ASSERT_TRUE(CheckTensors(specs, right).ok());
  struct Case {
    std::string message;
    std::function<void(TensorMap&)> change;
  };
  const std::vector<Case> cases = {
      {"tensor w is missing, expected [2, 3]", [](auto& t) { t.erase("w"); }},
      {"tensor x of shape [1], expected no tensor of this name",
       [](auto& t) {
         t["x"] = {{1}, {0}};
       }},
      {"tensor w has shape [3, 2], expected [2, 3]",
       [](auto& t) {
         t["w"].shape = {3, 2};
       }},
      {"tensor w has shape [6], expected [2, 3]",
       [](auto& t) { t["w"].shape = {6}; }},
      {"tensor w has 5 values, expected 6 for shape [2, 3]",
       [](auto& t) { t["w"].values.resize(5); }},
      {"tensor w holds nan at 4, expected finite numbers",
       [](auto& t) { t["w"].values[4] = std::nanf(""); }},
      {"tensor w holds -inf at 5, expected finite numbers",
       [](auto& t) {
         t["w"].values[5] = -std::numeric_limits<float>::infinity();
       }},
      {"tensor std holds 9e-07 at 1, expected at least 1e-06",
       [](auto& t) { t["std"].values[1] = 9e-7f; }},
      {"tensor std holds -1 at 0, expected at least 1e-06",
       [](auto& t) { t["std"].values[0] = -1; }},
      {"tensor std holds nan at 0, expected finite numbers",
       [](auto& t) { t["std"].values[0] = std::nanf(""); }},
  };
  for (const Case& wrong : cases) {
    TensorMap tensors = right;
    wrong.change(tensors);
    const absl::Status status = CheckTensors(specs, tensors);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.message));
  }
}

}  // namespace
}  // namespace foresight
