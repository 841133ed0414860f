// Numbers that nobody can guess, from the operating system.
#pragma once

#include <cstdint>
#include <string>

namespace foresight {

uint64_t RandomSeed();

// 128 bits as 32 hexadecimal digits. It is all that protects a session from
// strangers where no other security is set up, so never log it whole.
std::string RandomId();

}  // namespace foresight
