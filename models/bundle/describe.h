// Describes a bundle for people.
#pragma once

#include <string>

#include "models/bundle/bundle.h"

namespace foresight {

// Some lines of text, each with its newline: name and sizes, each network's
// widths, the sampler, the defaults and the provenance. Non-printable manifest
// text is escaped.
std::string Describe(const Bundle& bundle);

}  // namespace foresight
