#include "models/training/json_fields.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace foresight {

using nlohmann::json;

JsonFields::JsonFields(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (object_.is_object()) return;
  // Without the dot: "policy is 3, expected an object".
  const std::string name =
      where_.empty() ? "" : where_.substr(0, where_.size() - 1) + " ";
  status_ = absl::InvalidArgumentError(
      absl::StrCat(name, "is ", object_.dump(), ", expected an object"));
}

const json* JsonFields::Find(const std::string& name) {
  asked_.insert(name);
  if (!object_.is_object()) return nullptr;
  const auto field = object_.find(name);
  if (field != object_.end()) return &*field;
  Fail(name, "a value");
  return nullptr;
}

bool JsonFields::FitsNumber(const json& field, bool whole, double least,
                            double most) {
  return field.is_number() && (!whole || field.is_number_integer()) &&
         field.get<double>() >= least && field.get<double>() <= most;
}

void JsonFields::FailNumber(const std::string& name, bool whole, double least,
                            double most) {
  std::string expected = whole ? "a whole number" : "a number";
  if (least == kTiny) {
    absl::StrAppend(&expected, " above 0");
  } else {
    absl::StrAppend(&expected, most == kHuge ? " of at least " : " from ",
                    least);
  }
  if (most != kHuge) {
    absl::StrAppend(&expected, least == kTiny ? ", at most " : " to ", most);
  }
  Fail(name, expected);
}

void JsonFields::Flag(const std::string& name, bool& value) {
  const json* field = Find(name);
  if (field == nullptr) return;
  if (!field->is_boolean()) return Fail(name, "true or false");
  value = field->get<bool>();
}

void JsonFields::Text(const std::string& name, std::string& value) {
  const json* field = Find(name);
  if (field == nullptr) return;
  if (!field->is_string() || field->get<std::string>().empty()) {
    return Fail(name, "a text");
  }
  value = field->get<std::string>();
}

void JsonFields::Widths(const std::string& name, std::vector<int>& widths) {
  const json* field = Find(name);
  if (field == nullptr) return;
  bool fits = field->is_array() && !field->empty() && field->size() <= 16;
  if (fits) {
    for (const json& width : *field) {
      fits = fits && width.is_number_integer() && width >= 1 && width <= 4096;
    }
  }
  if (!fits) return Fail(name, "1 to 16 whole numbers from 1 to 4096");
  widths = field->get<std::vector<int>>();
}

JsonFields JsonFields::Object(const std::string& name) {
  static const json* const kEmpty = new json(json::object());
  const json* field = Find(name);
  return JsonFields(field == nullptr ? *kEmpty : *field,
                    absl::StrCat(where_, name, "."));
}

void JsonFields::Fail(const std::string& name, const std::string& expected) {
  if (!status_.ok()) return;
  const auto field = object_.find(name);
  const std::string got = field == object_.end() ? "missing" : field->dump();
  status_ = absl::InvalidArgumentError(
      absl::StrCat(where_, name, " is ", got, ", expected ", expected));
}

absl::Status JsonFields::Finish() const {
  if (!status_.ok()) return status_;
  for (const auto& [name, value] : object_.items()) {
    if (asked_.count(name) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(where_, name, " is not a field; expected only ",
                     absl::StrJoin(asked_, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace foresight
