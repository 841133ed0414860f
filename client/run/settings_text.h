// Formats the settings of the adaptation for reports.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "proto/adaptation.pb.h"

namespace foresight {

// "H 5, M 10, E 1, eta 3e-05, persist, ...", without a newline.
std::string SettingsLine(const v1::AdaptationSettings& settings);

// The set fields as flags of the programs: "--horizon 5 --mode reset".
std::string SettingsFlags(const v1::AdaptationSettings& settings);

// The set fields, with the names of adaptation.proto.
nlohmann::ordered_json SettingsJson(const v1::AdaptationSettings& settings);

}  // namespace foresight
