// Options that several of the client's programs share, for CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "foresight/security_options.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Accepts 1 to 1000000. It adds nothing to the help.
CLI::Validator Count();

// Refuses a minus sign: CLI11 reads -1 as the largest unsigned number.
std::string RefuseMinus(const std::string& text);

enum class Zero { kRefused, kAllowed };

// Adds `name`, a duration with a unit such as 20ms, and calls `set` with it.
// The help shows `shown` as the default.
void AddDuration(CLI::App& app, const std::string& name,
                 const std::string& description, const std::string& shown,
                 std::function<void(absl::Duration)> set,
                 Zero zero = Zero::kRefused);

// Adds an option for each field of SecurityOptions. `security` must outlive
// `app`.
void AddSecurity(CLI::App& app, SecurityOptions* security);

// Adds an option for each field of AdaptationSettings. Options that are not
// given leave their fields unset. `settings` must outlive `app`.
void AddSettings(CLI::App& app, v1::AdaptationSettings* settings);

}  // namespace foresight
