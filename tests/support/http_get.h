// A minimal HTTP client for tests that look at /metrics.
#pragma once

#include <string>

namespace foresight {

// The answer of 127.0.0.1:`port` to GET `path`, with its headers; empty if
// there is none within ten seconds.
std::string HttpGet(int port, const std::string& path);

}  // namespace foresight
