#pragma once
// Outcomes of a native routine. A caller's mistake never gets this far: TypeScript and the binding check arguments
// first.

namespace gradsift {

enum class Status : int {
  ok,
  step_limit,             // the iteration used all its steps; the result is the last iterate
  diverged,               // the residual grew past its start; the result is not usable
  stagnated,              // the residual stopped shrinking above the tolerance
  not_positive_definite,  // a pivot or a curvature term was <= 0
  non_finite,             // NaN or infinity in the input or the iterate
  cancelled,
  out_of_memory,
  device_failed,  // a GPU call failed; the plug-in's session has the words
};

// The one list of names; TypeScript reads it through the binding (index = code).
inline constexpr const char* kStatusNames[] = {
    "ok",        "stepLimit", "diverged",    "stagnated",    "notPositiveDefinite",
    "nonFinite", "cancelled", "outOfMemory", "deviceFailed",
};

}  // namespace gradsift
