// Stops LibTorch's exceptions: they never leave this folder.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <new>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace foresight {

// Calls `body`; an exception in it becomes a status.
// Errors:
//   ResourceExhausted: there is not enough memory.
//   Internal:          anything else.
inline absl::Status CatchTorch(absl::FunctionRef<void()> body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const c10::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(error.what_without_backtrace());
  } catch (const std::bad_alloc& error) {
    return absl::ResourceExhaustedError(error.what());
  } catch (const c10::Error& error) {
    return absl::InternalError(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace foresight
