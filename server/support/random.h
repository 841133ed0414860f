// Unguessable numbers from the operating system.
#pragma once

#include <cstdint>
#include <string>

namespace foresight {

uint64_t RandomSeed();

// 128 bits as 32 hexadecimal digits. If no other security is set up, only this
// protects a session from strangers, so never log it whole.
std::string RandomId();

}  // namespace foresight
