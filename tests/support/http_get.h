// The least of an HTTP client, for tests that look at /metrics.
#pragma once

#include <string>

namespace foresight {

// The whole answer of 127.0.0.1:`port` to GET `path`, headers included; empty
// when there is none within ten seconds.
std::string HttpGet(int port, const std::string& path);

}  // namespace foresight
