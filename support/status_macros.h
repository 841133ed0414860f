// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status, which Debian's Abseil
// does not ship.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define FORESIGHT_CONCAT_INNER(a, b) a##b
#define FORESIGHT_CONCAT(a, b) FORESIGHT_CONCAT_INNER(a, b)

// Leaves the function with the status of `expression` unless it is OK.
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()) assigns the value of F(), or leaves the
// function with its status.
#define ASSIGN_OR_RETURN(declaration, expression)                    \
  FORESIGHT_ASSIGN_OR_RETURN(FORESIGHT_CONCAT(status_or_, __LINE__), \
                             declaration, expression)

#define FORESIGHT_ASSIGN_OR_RETURN(result, declaration, expression) \
  auto result = (expression);                                       \
  if (!result.ok()) return std::move(result).status();              \
  declaration = *std::move(result)
