// Strict reading of JSON objects: every field must be there, of its type and in
// its range, and no other may.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"

namespace foresight {

// Takes the fields of one object. The first that is wrong is remembered, and
// Finish tells, so that readers are plain lists of fields. Not thread-safe; the
// document must outlive it.
class JsonFields {
 public:
  // Ends of ranges: no upper bound; above 0.
  static constexpr double kHuge = std::numeric_limits<double>::max();
  static constexpr double kTiny = std::numeric_limits<double>::min();

  // `where` precedes the fields' names in messages: "policy.", or nothing.
  JsonFields(const nlohmann::json& object, std::string where);

  // Each leaves `value` alone where the field is wrong. A number is from
  // `least` to `most`, both included.
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
  // Whether a field that may be left out is there.
  bool Has(const std::string& name) const { return object_.contains(name); }
  void Flag(const std::string& name, bool& value);
  void Text(const std::string& name, std::string& value);  // Not empty.
  // Widths of 1 to 16 hidden layers.
  void Widths(const std::string& name, std::vector<int>& widths);

  // The fields of the object in a field.
  JsonFields Object(const std::string& name);

  // Remembers that `name` is not what was expected.
  void Fail(const std::string& name, const std::string& expected);

  // Errors: InvalidArgument: the first field that is wrong, missing or not
  // asked for; the message names it, with what was expected and what came.
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
