// Makes an ensemble of world models from bundles trained with other seeds.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"

namespace foresight {

// The first bundle with the dynamics of all of them as its members, in order;
// particle m of a decision uses member m mod B. What the first bundle has
// measured with its own dynamics is dropped from the provenance.
// Errors: InvalidArgument, naming the bundle: fewer than two were given, or the
// dynamics differ in more than their weights, or were standardised by other
// data.
absl::StatusOr<Bundle> MakeEnsemble(const std::vector<Bundle>& bundles);

}  // namespace foresight
