// Formats a sweep.
#pragma once

#include <string>
#include <vector>

#include "client/run/sweep.h"

namespace foresight {

// Text for people: a line per trial, then the best one as flags of
// foresight-run and as the defaults of a bundle's manifest. Needs at least one
// trial.
std::string SweepTable(const std::vector<SweepTrial>& trials);

// [{asked, comparison}], the comparison as ToJson (report.h).
std::string SweepJson(const std::vector<SweepTrial>& trials);

}  // namespace foresight
