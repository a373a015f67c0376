#pragma once
// Two rows into one, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/elementary.h"

namespace gradsift::generic {

template <class V, class Operation>
void zip_rows(const Zip& zip, const Operation& operation) noexcept {
  const float* x = zip.x;
  const float* y = zip.y;
  float* out = zip.out;
  const auto each = [&](const auto& left, const auto& right) {
    for_each_register<V>(zip.count, [&](std::size_t i, auto... mask) {
      V::store(out + i, operation(left(i, mask...), right(i, mask...)), mask...);
    });
  };
  const auto values_x = [x](std::size_t i, auto... mask) { return V::load(x + i, mask...); };
  const auto values_y = [y](std::size_t i, auto... mask) { return V::load(y + i, mask...); };
  if (zip.count == 0) return;
  const auto one_x = V::all(*x), one_y = V::all(*y);
  const auto repeated_x = [one_x](auto...) { return one_x; };
  const auto repeated_y = [one_y](auto...) { return one_y; };
  if (zip.x_repeats && zip.y_repeats) {
    each(repeated_x, repeated_y);
  } else if (zip.x_repeats) {
    each(repeated_x, values_y);
  } else if (zip.y_repeats) {
    each(values_x, repeated_y);
  } else {
    each(values_x, values_y);
  }
}

template <class V>
void zip(const Zip& zip) noexcept {
  switch (zip.operation) {
    case ZipOperation::add:
      return zip_rows<V>(zip, [](auto x, auto y) { return V::add(x, y); });
    case ZipOperation::subtract:
      return zip_rows<V>(zip, [](auto x, auto y) { return V::sub(x, y); });
    case ZipOperation::multiply:
      return zip_rows<V>(zip, [](auto x, auto y) { return V::mul(x, y); });
    case ZipOperation::divide:
      return zip_rows<V>(zip, [](auto x, auto y) { return V::div(x, y); });
  }
}

}  // namespace gradsift::generic
