// A bundle's manifest, bundle.json: its text and what its fields may be
// (docs/bundle-format.md).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "models/bundle/settings.h"
#include "proto/bundle.pb.h"

namespace foresight {

inline constexpr char kBundleFormat[] = "foresight-bundle/1";

// Of bundle.json; the longest valid ones, with kMaxBetas, are under 1 MiB.
inline constexpr size_t kMaxManifestBytes = size_t{4} << 20;

inline constexpr int kMaxHiddenLayers = 16;
inline constexpr int kMaxWidth = 4096;  // Of a hidden layer.
inline constexpr int kMaxMembers = 64;
inline constexpr int kMaxStateSize = 65536;  // Of S and of A.
inline constexpr int kMaxBetas = 32768;      // K: the noise's slots.
inline constexpr int kMaxTimeEmbedding = 4096;

// The manifest in `json`, protobuf's JSON form. Fields are not checked.
// Errors:
//   InvalidArgument: no JSON object, another format, a field that the format
//                    does not have, one twice or of the wrong type; the message
//                    names it.
absl::StatusOr<v1::Bundle> ParseManifest(absl::string_view json);

// The same manifest as JSON text, with every field, for people to read.
// ParseManifest gives back the same bits if every string is UTF-8.
std::string FormatManifest(const v1::Bundle& manifest);

// Whether every field is one that the format allows; all but weights_sha256.
// Errors:
//   InvalidArgument: a field is not; the message names it, with what was
//                    expected and what came.
absl::Status CheckManifest(const v1::Bundle& manifest);

// What the dynamics of a checked manifest allow settings to be. Of mean_flow,
// `defaults` decides the steps.
SamplerLimits LimitsOf(const v1::Bundle& manifest);

}  // namespace foresight
