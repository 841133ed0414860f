// Where gymnasium's MuJoCo models are if nobody says so.
#pragma once

#include <filesystem>

namespace foresight {

// The folder that was installed with `program`, PREFIX/share/foresight/assets
// for PREFIX/bin/PROGRAM; the one known at compile time if there is none.
std::filesystem::path DefaultAssets(const std::filesystem::path& program);

// The file that this process runs; empty if the system does not tell.
std::filesystem::path RunningProgram();

}  // namespace foresight
