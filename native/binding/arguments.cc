#include <cmath>
#include <initializer_list>
#include <string>

#include "native/binding/operation.h"
#include "native/device/cuda_library.h"
#include "native/device/offload.h"

namespace gradsift::binding {

namespace {

constexpr std::size_t kLeading = 2;  // threads, callback

template <class T>
constexpr napi_typedarray_type kTypeOf = napi_float32_array;
template <>
constexpr napi_typedarray_type kTypeOf<double> = napi_float64_array;
template <>
constexpr napi_typedarray_type kTypeOf<std::uint16_t> = napi_uint16_array;
template <>
constexpr napi_typedarray_type kTypeOf<std::int32_t> = napi_int32_array;
template <>
constexpr napi_typedarray_type kTypeOf<std::uint32_t> = napi_uint32_array;

struct View {
  napi_typedarray_type type;
  std::size_t length;
  void* data;
};

// Node-API tells by its status whether the value has the type asked for: one call into Node for each argument.
bool view_of(Napi::Env env, Napi::Value value, View& view) {
  return napi_get_typedarray_info(env, value, &view.type, &view.length, &view.data, nullptr, nullptr) == napi_ok;
}

}  // namespace

Napi::Value Arguments::at(std::size_t index) const { return info_[index + kLeading]; }

void Arguments::refuse(std::size_t index, const char* expected) const {
  Napi::Error error = Napi::Error::New(env(), "argument " + std::to_string(index) + ": expected " + expected);
  error.Set("code", Napi::String::New(env(), "GRADSIFT_NATIVE"));
  throw error;
}

template <class T>
Array<T> Arguments::array(std::size_t index, std::size_t minimum) const {
  View view{};
  if (!view_of(env(), at(index), view) || view.type != kTypeOf<T>) refuse(index, "a typed array of another type");
  if (view.length < minimum) refuse(index, "a longer array (or one that is not detached)");
  return {static_cast<T*>(view.data), view.length};
}
template Array<float> Arguments::array(std::size_t, std::size_t) const;
template Array<double> Arguments::array(std::size_t, std::size_t) const;
template Array<std::uint16_t> Arguments::array(std::size_t, std::size_t) const;
template Array<std::int32_t> Arguments::array(std::size_t, std::size_t) const;
template Array<std::uint32_t> Arguments::array(std::size_t, std::size_t) const;

bool Arguments::is_f64(std::size_t index) const {
  View view{};
  if (view_of(env(), at(index), view)) {
    if (view.type == napi_float64_array) return true;
    if (view.type == napi_float32_array) return false;
  }
  refuse(index, "a Float32Array or Float64Array");
}

bool Arguments::is_u16(std::size_t index) const {
  View view{};
  return view_of(env(), at(index), view) && view.type == napi_uint16_array;
}

double Arguments::number(std::size_t index) const {
  double value = 0;
  if (napi_get_value_double(env(), at(index), &value) != napi_ok) refuse(index, "a number");
  return value;
}

std::size_t Arguments::size(std::size_t index) const {
  constexpr double kTwoTo53 = 9007199254740992.0;  // integers above are not exact in a JavaScript number
  const double value = number(index);
  if (!(value >= 0 && value < kTwoTo53 && value == std::floor(value))) refuse(index, "an integer in [0, 2^53)");
  return static_cast<std::size_t>(value);
}

bool Arguments::flag(std::size_t index) const {
  bool value = false;
  if (napi_get_value_bool(env(), at(index), &value) != napi_ok) refuse(index, "a boolean");
  return value;
}

int Arguments::device(std::size_t index) const {
  if (index + kLeading >= info_.Length()) return kCpu;
  const std::size_t device = size(index);
  if (device >= kMostDevices) refuse(index, "the number of a device");
  return static_cast<int>(device);
}

std::size_t Arguments::product(std::initializer_list<std::size_t> factors) const {
  std::size_t result = 1;
  for (const std::size_t factor : factors) {
    if (__builtin_mul_overflow(result, factor, &result)) refuse(0, "sizes whose product fits in 64 bits");
  }
  return result;
}

std::size_t Arguments::span(std::size_t batch, std::size_t batch_stride, std::size_t rows, std::size_t row_stride,
                            std::size_t columns) const {
  if (batch == 0 || rows == 0 || columns == 0) return 0;
  const std::size_t terms[] = {product({batch - 1, batch_stride}), product({rows - 1, row_stride}), columns};
  std::size_t total = 0;
  for (const std::size_t term : terms) {
    if (__builtin_add_overflow(total, term, &total)) refuse(0, "strides that stay within 64 bits");
  }
  return total;
}

}  // namespace gradsift::binding
