#include "server/service/trace_metadata.h"

#include <iterator>
#include <string>

#include "absl/strings/string_view.h"

namespace foresight {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr char kTraceparent[] = "traceparent";

// The value of `key` if it occurs exactly once.
absl::string_view Find(const grpc::CallbackServerContext& context,
                       const char* key) {
  const auto [begin, end] = context.client_metadata().equal_range(key);
  if (begin == end || std::next(begin) != end) return "";
  return {begin->second.data(), begin->second.size()};
}

}  // namespace

CallTags ReadTags(const grpc::CallbackServerContext& context) {
  CallTags tags;
  const absl::string_view request_id = Find(context, kRequestId);
  if (IsRequestId(request_id)) tags.request_id = std::string(request_id);
  const absl::string_view traceparent = Find(context, kTraceparent);
  if (IsTraceparent(traceparent)) tags.traceparent = std::string(traceparent);
  return tags;
}

void EchoRequestId(grpc::CallbackServerContext& context) {
  const absl::string_view request_id = Find(context, kRequestId);
  if (IsRequestId(request_id)) {
    context.AddInitialMetadata(kRequestId, std::string(request_id));
  }
}

}  // namespace foresight
