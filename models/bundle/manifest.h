// A bundle's manifest, bundle.json: its text and the ranges of its fields
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

// Limit for bundle.json; the longest valid manifest, with kMaxBetas, is
// under 1 MiB.
inline constexpr size_t kMaxManifestBytes = size_t{4} << 20;

inline constexpr int kMaxHiddenLayers = 16;
inline constexpr int kMaxWidth = 4096;  // Hidden layers only.
inline constexpr int kMaxMembers = 64;
inline constexpr int kMaxStateSize = 65536;  // Largest S and A.
inline constexpr int kMaxBetas = 32768;      // K: the noise's slots.
inline constexpr int kMaxTimeEmbedding = 4096;

// Parses `json`, a manifest in protobuf's JSON form, without checking its
// fields.
// Errors:
//   InvalidArgument: not a JSON object, another format, or a field that the
//                    format does not have, occurs twice or has the wrong type;
//                    the message names it.
absl::StatusOr<v1::Bundle> ParseManifest(absl::string_view json);

// The manifest as JSON text for people, with every field. ParseManifest
// restores the same bits if every string is UTF-8.
std::string FormatManifest(const v1::Bundle& manifest);

// Errors: InvalidArgument: a bundle may not have this name.
absl::Status CheckBundleName(absl::string_view name);

// Checks that every field except weights_sha256 has a value that the format
// allows.
// Errors:
//   InvalidArgument: a field has another value; the message names the field,
//                    with what was expected and what came.
absl::Status CheckManifest(const v1::Bundle& manifest);

// The limits that a checked manifest's dynamics set on the settings. For
// mean_flow `defaults` decides the steps.
SamplerLimits LimitsOf(const v1::Bundle& manifest);

}  // namespace foresight
