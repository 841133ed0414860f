// A robot that a server steers.
#pragma once

#include <string>

#include "foresight/adaptation_client.h"
#include "foresight/control_loop.h"

// Steers for `steps` steps. The robot's sensors are doubles, as usual.
absl::StatusOr<foresight::ControlLoop::Stats> Drive(const std::string& address,
                                                    int steps);

// Asks for `decisions` decisions without waiting for any of them; returns the
// last action's first component.
absl::StatusOr<float> DriveAsync(const std::string& address, int decisions);
