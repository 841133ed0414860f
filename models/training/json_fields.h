// Reads JSON objects strictly: every field must be there, with its type and in
// its range, and no other field is allowed.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"

namespace foresight {

// Reads the fields of one object. Finish reports the first wrong field, so that
// callers need no check after each field. Not thread-safe. The document must
// outlive this object.
class JsonFields {
 public:
  // Ends of ranges: no upper bound, and the smallest number above 0.
  static constexpr double kHuge = std::numeric_limits<double>::max();
  static constexpr double kTiny = std::numeric_limits<double>::min();

  // `where` precedes the fields' names in messages, such as "policy."; may be
  // empty.
  JsonFields(const nlohmann::json& object, std::string where);

  // Each function below leaves `value` alone if the field is wrong. A number
  // must be from `least` to `most`, both included.
  template <typename T>
  void Number(const std::string& name, double least, double most, T& value) {
    const nlohmann::json* field = Find(name);
    if (field == nullptr) return;
    constexpr bool kWhole = std::is_integral_v<T>;
    if (FitsNumber(*field, kWhole, least, most)) {
      value = field->get<T>();
    } else {
      FailNumber(name, kWhole, least, most);
    }
  }
  // Whether an optional field is there.
  bool Has(const std::string& name) const { return object_.contains(name); }
  void Flag(const std::string& name, bool& value);
  void Text(const std::string& name, std::string& value);  // Not empty.
  // Widths of 1 to 16 hidden layers.
  void Widths(const std::string& name, std::vector<int>& widths);

  // Reads the object in the field `name`.
  JsonFields Object(const std::string& name);

  // Remembers that the field `name` is wrong.
  void Fail(const std::string& name, const std::string& expected);

  // Errors: InvalidArgument: a field is wrong, missing or unknown; the message
  // names the first one, with its value and what was expected.
  absl::Status Finish() const;

 private:
  const nlohmann::json* Find(const std::string& name);
  static bool FitsNumber(const nlohmann::json& field, bool whole, double least,
                         double most);
  void FailNumber(const std::string& name, bool whole, double least,
                  double most);

  const nlohmann::json& object_;
  std::string where_;
  std::set<std::string> asked_;
  absl::Status status_;
};

}  // namespace foresight
