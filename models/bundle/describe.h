// What a bundle holds, for people.
#pragma once

#include <string>

#include "models/bundle/bundle.h"

namespace foresight {

// Some lines of text, the last one ended: name and sizes, each network's
// widths, the sampler, the defaults, where the bundle comes from. Text of the
// manifest's author is escaped where it does not print.
std::string Describe(const Bundle& bundle);

}  // namespace foresight
