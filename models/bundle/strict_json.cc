#include "models/bundle/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace foresight {
namespace {

using nlohmann::json;

// "parse error at line 1, column 3: ...", without the library's error number.
std::string Reason(const json::exception& error) {
  const absl::string_view what = error.what();
  const size_t begin = what.find("] ");
  return Printable(begin == what.npos ? what : what.substr(begin + 2));
}

}  // namespace

std::string Printable(absl::string_view text, size_t longest) {
  std::string printable;
  for (const char& c : text.substr(0, longest)) {
    absl::StrAppend(&printable, absl::ascii_isprint(c)
                                    ? std::string(1, c)
                                    : absl::CHexEscape({&c, 1}));
  }
  return absl::StrCat(printable, text.size() > longest ? "..." : "");
}

absl::StatusOr<json> ParseStrictJson(absl::string_view text) {
  std::vector<std::set<std::string>> names;  // Keys of each open object.
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names.back().insert(name).second) twice = name;
    }
    return true;
  };
  try {
    json object = json::parse(text.begin(), text.end(), watch);
    if (!twice.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(twice), " occurs twice"));
    }
    if (object.is_object()) return object;
    return absl::InvalidArgumentError(absl::StrCat(
        "the JSON is of type ", object.type_name(), ", expected object"));
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected JSON: ", Reason(error)));
  }
}

}  // namespace foresight
