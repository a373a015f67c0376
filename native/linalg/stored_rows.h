#pragma once
// Rows of a type that is known when the program runs: what files hold, and the kernels of row passes for it.

#include <cstddef>

#include "native/kernels/table.h"

namespace gradsift {

enum class StoredType { f32, f64, bf16, f16 };

struct StoredRows {
  StoredType type = StoredType::f32;
  const void* data = nullptr;
  std::size_t count = 0, stride = 0;  // stride in elements
};

// body(data as a pointer to its type)
template <class Body>
auto visit(const StoredRows& rows, const Body& body) noexcept {
  switch (rows.type) {
    case StoredType::f64:
      return body(static_cast<const double*>(rows.data));
    case StoredType::bf16:
      return body(static_cast<const Bfloat16*>(rows.data));
    case StoredType::f16:
      return body(static_cast<const Float16*>(rows.data));
    default:
      return body(static_cast<const float*>(rows.data));
  }
}

inline void run(const KernelTable& table, const Dots<float>& dots) noexcept { table.dots_f32(dots); }
inline void run(const KernelTable& table, const Dots<double>& dots) noexcept { table.dots_f64(dots); }
inline void run(const KernelTable& table, const Dots<Bfloat16>& dots) noexcept { table.dots_bf16(dots); }
inline void run(const KernelTable& table, const Dots<Float16>& dots) noexcept { table.dots_f16(dots); }
inline void run(const KernelTable& table, const WeightedRows<float>& sum) noexcept { table.weighted_rows_f32(sum); }
inline void run(const KernelTable& table, const WeightedRows<double>& sum) noexcept { table.weighted_rows_f64(sum); }
inline void run(const KernelTable& table, const WeightedRows<Bfloat16>& sum) noexcept { table.weighted_rows_bf16(sum); }
inline void run(const KernelTable& table, const WeightedRows<Float16>& sum) noexcept { table.weighted_rows_f16(sum); }

}  // namespace gradsift
