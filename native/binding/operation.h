#pragma once
// What crosses the boundary: an operation reads its arguments once, on the JavaScript thread, and then runs on any
// thread. One body serves the synchronous and the asynchronous call.

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift::binding {

struct Operation {
  virtual ~Operation() = default;
  virtual Status run(const Execution& execution) noexcept = 0;
};

// Wraps a callable `Status(const Execution&)` that owns copies of everything but the arrays.
template <class Run>
std::unique_ptr<Operation> operation(Run run) {
  struct Wrapped final : Operation {
    explicit Wrapped(Run&& r) : body(std::move(r)) {}
    Status run(const Execution& execution) noexcept override { return body(execution); }
    Run body;
  };
  return std::make_unique<Wrapped>(std::move(run));
}

template <class T>
struct Array {
  T* data;
  std::size_t length;
};

// The arguments of one call, by position after `threads` and `callback`. Every getter throws a JavaScript error with
// code GRADSIFT_NATIVE when the argument does not fit: TypeScript has checked already, so that is our own bug, and the
// second door keeps it from becoming a memory error.
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  // A typed array with at least `minimum` elements. Taken from the view itself, which is also right for
  // SharedArrayBuffer and WebAssembly memory; a detached or out-of-bounds view has length 0.
  template <class T>
  Array<T> array(std::size_t index, std::size_t minimum = 0) const;
  // True when the argument is a Float64Array, false when it is a Float32Array.
  bool is_f64(std::size_t index) const;
  bool is_u16(std::size_t index) const;       // true when the argument is a Uint16Array
  std::size_t size(std::size_t index) const;  // integer in [0, 2^53)
  double number(std::size_t index) const;     // any number, NaN included
  bool flag(std::size_t index) const;
  // Where to run: the number of a GPU, or kCpu where the argument is absent.
  int device(std::size_t index) const;

  // rows * columns * ..., or an error when the product does not fit.
  std::size_t product(std::initializer_list<std::size_t> factors) const;
  // Elements spanned by `batch` strided matrices, or an error when that does not fit.
  std::size_t span(std::size_t batch, std::size_t batch_stride, std::size_t rows, std::size_t row_stride,
                   std::size_t columns) const;

  Napi::Env env() const { return info_.Env(); }

 private:
  Napi::Value at(std::size_t index) const;
  [[noreturn]] void refuse(std::size_t index, const char* expected) const;
  const Napi::CallbackInfo& info_;
};

using Prepare = std::unique_ptr<Operation> (*)(const Arguments&);

struct Export {
  const char* name;
  Prepare prepare;
};

// JavaScript calls name(threads, callback, ...arguments): without a callback runs now and returns a status code; with
// one returns a job id and calls callback(status) later, on the JavaScript thread.

}  // namespace gradsift::binding
