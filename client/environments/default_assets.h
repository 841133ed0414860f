// The default folder of gymnasium's MuJoCo models.
#pragma once

#include <filesystem>

namespace foresight {

// The folder that was installed with `program`, PREFIX/share/foresight/assets
// for PREFIX/bin/PROGRAM; if there is none, the folder known at compile time.
std::filesystem::path DefaultAssets(const std::filesystem::path& program);

// PREFIX/share/foresight for PREFIX/bin/PROGRAM.
std::filesystem::path ShareFolder(const std::filesystem::path& program);

// This process's program file; empty if the system does not say.
std::filesystem::path RunningProgram();

}  // namespace foresight
