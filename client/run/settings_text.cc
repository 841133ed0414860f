#include "client/run/settings_text.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace foresight {

std::string SettingsLine(const v1::AdaptationSettings& settings) {
  const std::string step =
      settings.action_step() > 0
          ? absl::StrFormat("action step %g", settings.action_step())
          : absl::StrFormat("eta %g", settings.step_size());
  return absl::StrFormat(
      "H %d, M %d, E %d, %s, %s, gamma %g, K %d, tau %g, max gradient "
      "norm %g",
      settings.horizon(), settings.particles(), settings.steps(), step,
      settings.mode() == v1::RESET ? "reset" : "persist", settings.discount(),
      settings.sampler_steps(), settings.noise_scale(),
      settings.max_gradient_norm());
}

std::string SettingsFlags(const v1::AdaptationSettings& settings) {
  const nlohmann::ordered_json fields = SettingsJson(settings);
  std::string flags;
  for (const auto& [field, value] : fields.items()) {
    const std::string name = absl::StrReplaceAll(field, {{"_", "-"}});
    if (!flags.empty()) flags += " ";
    if (value.is_boolean()) {
      absl::StrAppend(&flags, value.get<bool>() ? "--" : "--no-", name);
    } else if (value.is_string()) {
      absl::StrAppend(&flags, "--", name, " ",
                      absl::AsciiStrToLower(value.get<std::string>()));
    } else {
      absl::StrAppend(&flags, "--", name, " ", value.dump());
    }
  }
  return flags;
}

nlohmann::ordered_json SettingsJson(const v1::AdaptationSettings& settings) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  // The message has only plain fields, so printing it cannot fail.
  static_cast<void>(
      google::protobuf::util::MessageToJsonString(settings, &text, options));
  return nlohmann::ordered_json::parse(text);
}

}  // namespace foresight
