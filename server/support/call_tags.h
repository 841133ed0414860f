// Tags that a caller sends with a call in order to find it in logs.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace foresight {

// A tag is empty if it was not sent or is malformed.
struct CallTags {
  std::string request_id;   // x-request-id
  std::string traceparent;  // W3C Trace Context
};

// Whether `text` is 1 to 128 bytes of printable ASCII without spaces.
bool IsRequestId(absl::string_view text);

// Whether `text` is a traceparent of W3C Trace Context Level 1:
// "VERSION-TRACE_ID-PARENT_ID-FLAGS" in lower-case hex, the ids not all zero.
// Later versions may append fields.
bool IsTraceparent(absl::string_view text);

}  // namespace foresight
