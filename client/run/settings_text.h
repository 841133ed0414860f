// How reports show the settings of the adaptation.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "proto/adaptation.pb.h"

namespace foresight {

// "H 5, M 10, E 1, eta 3e-05, persist, ...", without a line's end.
std::string SettingsLine(const v1::AdaptationSettings& settings);

// The fields that are set, as flags of the programs: "--horizon 5 --mode
// reset".
std::string SettingsFlags(const v1::AdaptationSettings& settings);

// The fields that are set, named as in adaptation.proto.
nlohmann::ordered_json SettingsJson(const v1::AdaptationSettings& settings);

}  // namespace foresight
