#include "server/metrics/probe.h"

#include <civetweb.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace foresight {
namespace {

constexpr int kAnswerTimeoutMs = 5000;

}  // namespace

absl::StatusOr<ProbeTarget> ParseProbeTarget(absl::string_view text) {
  ProbeTarget target;
  const size_t slash = text.find('/');
  target.path = slash == absl::string_view::npos
                    ? "/readyz"
                    : std::string(text.substr(slash));
  const absl::string_view address = text.substr(0, slash);
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &target.port) ||
      target.port < 1 || target.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("got ", text, ", expected HOST:PORT or HOST:PORT/PATH"));
  }
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  target.host = std::string(host);
  return target;
}

absl::Status Probe(const ProbeTarget& target) {
  const std::string name = absl::StrCat(target.host, ":", target.port);
  const auto failed = [&](absl::string_view why) {
    return absl::UnavailableError(
        absl::StrCat("http://", name, target.path, ": ", why));
  };
  mg_init_library(MG_FEATURES_DEFAULT);
  char error[256] = "";
  const std::unique_ptr<mg_connection, decltype(&mg_close_connection)>
      connection(mg_connect_client(target.host.c_str(), target.port,
                                   /*use_ssl=*/0, error, sizeof(error)),
                 &mg_close_connection);
  if (connection == nullptr) return failed(error);
  mg_printf(connection.get(),
            "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
            target.path.c_str(), name.c_str());
  if (mg_get_response(connection.get(), error, sizeof(error),
                      kAnswerTimeoutMs) < 0) {
    return failed(absl::StrCat(error[0] == '\0' ? "no answer" : error,
                               ", expected the address of --metrics-listen"));
  }
  const int code = mg_get_response_info(connection.get())->status_code;
  if (code == 200) return absl::OkStatus();
  char text[256];
  const int size = mg_read(connection.get(), text, sizeof(text));
  return failed(absl::StrCat(
      "answered ", code, " ",
      absl::StripAsciiWhitespace(absl::string_view(text, size < 0 ? 0 : size)),
      ", expected 200"));
}

}  // namespace foresight
