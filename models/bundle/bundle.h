// A model bundle: pretrained policy, critics, reward and dynamics with
// everything needed to use them, as read from a folder (docs/bundle-format.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/bundle/settings.h"
#include "models/bundle/tensor.h"
#include "proto/bundle.pb.h"

namespace foresight {

enum class Activation { kRelu, kSilu, kTanh };
enum class DynamicsKind { kDiffusion, kMeanFlow };

// One linear layer y = W x + b; a hidden layer is followed by the network's
// activation and, where the network has layer_norm, by a LayerNorm.
struct Layer {
  int inputs = 0;
  int outputs = 0;
  absl::Span<const float> weight;       // [outputs, inputs]
  absl::Span<const float> bias;         // [outputs]
  absl::Span<const float> norm_weight;  // [outputs], or empty.
  absl::Span<const float> norm_bias;    // [outputs], or empty.
};

struct Network {
  Activation activation = Activation::kRelu;
  bool layer_norm = false;
  float layer_norm_epsilon = 0;
  std::vector<Layer> layers;  // Hidden ones, then the head.
};

// x' = (x - mean) / std on the way in, x = mean + std * x' on the way out.
struct Standardiser {
  absl::Span<const float> mean;
  absl::Span<const float> std;
};

// Immutable once made, so safe to share between threads. Spans and references
// it hands out live as long as it does; moving it does not invalidate them.
class Bundle {
 public:
  // Reads and checks `folder`/bundle.json and `folder`/weights.safetensors.
  // Errors, each naming the file and the field or tensor, with what was
  // expected and what came:
  //   NotFound:        a file is missing.
  //   InvalidArgument: anything else that the format forbids.
  //   Unavailable:     the system refuses to read a file.
  static absl::StatusOr<Bundle> Load(const std::filesystem::path& folder);

  // Makes a bundle from weights in memory, with the same checks; computes the
  // manifest's weights_sha256. Errors: InvalidArgument.
  static absl::StatusOr<Bundle> Create(v1::Bundle manifest, TensorMap tensors);

  // Writes both files into `folder`, made if missing. Each file appears by an
  // atomic rename, the manifest last. Load then returns the same bits. The
  // manifest gets the hash of the file as Save lays it out, which differs from
  // manifest().weights_sha256() if the bundle was loaded from a file with
  // another layout.
  // Errors: Unavailable, naming the file, when the disk refuses.
  absl::Status Save(const std::filesystem::path& folder) const;

  Bundle(Bundle&&) = default;
  Bundle& operator=(Bundle&&) = default;

  const v1::Bundle& manifest() const { return manifest_; }
  const TensorMap& tensors() const { return tensors_; }
  const AdaptationSettings& defaults() const { return defaults_; }
  int observation_size() const { return manifest_.observation_size(); }  // S
  int action_size() const { return manifest_.action_size(); }            // A

  // [S] -> [A]. The action is the output's tanh, which is not in the Network.
  const Network& policy() const { return policy_; }
  const Network& critic(int i) const { return critics_.at(i); }  // i in {0, 1}
  const Network& reward() const { return reward_; }  // [S + A] -> [1]
  // Member b: [S + S + A + T] -> [S], the input in the order u, s', a', e.
  const Network& dynamics(int b) const { return dynamics_.at(b); }
  int members() const { return static_cast<int>(dynamics_.size()); }  // B

  const Standardiser& policy_input() const { return policy_input_; }  // [S]
  const Standardiser& critic_input(int i) const {                     // [S + A]
    return critic_inputs_.at(i);
  }
  const Standardiser& reward_input() const { return reward_input_; }
  const Standardiser& reward_output() const { return reward_output_; }  // [1]
  const Standardiser& dynamics_input() const { return dynamics_input_; }
  const Standardiser& dynamics_output() const {  // [S]
    return dynamics_output_;
  }

  DynamicsKind dynamics_kind() const { return dynamics_kind_; }
  int time_embedding() const { return manifest_.dynamics().time_embedding(); }
  SamplerLimits sampler_limits() const;

  // Names of psi's tensors in the order of the bundle and of the exchange form:
  // for each layer its weight, its bias and, with layer_norm, its norm weight
  // and norm bias.
  std::vector<std::string> PolicyTensorNames() const;

 private:
  // The manifest and the tensors have been checked.
  Bundle(v1::Bundle manifest, TensorMap tensors, AdaptationSettings defaults);

  v1::Bundle manifest_;
  TensorMap tensors_;  // Nodes do not move: the spans below point into them.
  AdaptationSettings defaults_;
  DynamicsKind dynamics_kind_ = DynamicsKind::kDiffusion;
  Network policy_, reward_;
  std::vector<Network> critics_, dynamics_;
  Standardiser policy_input_, reward_input_, reward_output_;
  Standardiser dynamics_input_, dynamics_output_;
  std::vector<Standardiser> critic_inputs_;
};

}  // namespace foresight
