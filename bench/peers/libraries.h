#pragma once
// Other people's matrix products, opened at run time where they are installed: each in a scope of its own, since
// OpenBLAS and BLIS export the same names.

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace gradsift::peers {

// The constants of the C interface to BLAS.
enum Order { kRowMajor = 101 };
enum Transpose { kPlain = 111, kTransposed = 112 };
enum Triangle { kLower = 122 };

template <class T>
using GemmFunction = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha, const T* a,
                              int lda, const T* b, int ldb, T beta, T* c, int ldc);
template <class T>
using SyrkFunction = void (*)(int order, int triangle, int transpose, int n, int k, T alpha, const T* a, int lda,
                              T beta, T* c, int ldc);
// One triangle of a product of two matrices.
template <class T>
using GemmtFunction = void (*)(int order, int triangle, int transpose_a, int transpose_b, int n, int k, T alpha,
                               const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc);

template <class T>
struct Routines {
  GemmFunction<T> gemm = nullptr;
  SyrkFunction<T> syrk = nullptr;
  GemmtFunction<T> gemmt = nullptr;
};

struct Library {
  std::string name;
  Routines<float> f32;
  Routines<double> f64;
  void* handle = nullptr;
  void (*set_threads)(const Library&, int) = nullptr;

  template <class Function>
  Function* symbol(const char* called) const {
    return reinterpret_cast<Function*>(dlsym(handle, called));
  }
};

template <class T>
const Routines<T>& routines(const Library& library) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return library.f32;
  } else {
    return library.f64;
  }
}

inline void* open_first(const std::array<const char*, 3>& names) {
  for (const char* name : names) {
    if (name == nullptr) continue;
    if (void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return handle;
  }
  return nullptr;
}

inline void open_cblas(Library& library) {
  library.f32.gemm =
      library
          .symbol<void(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int)>(
              "cblas_sgemm");
  library.f64.gemm = library.symbol<void(int, int, int, int, int, int, double, const double*, int, const double*, int,
                                         double, double*, int)>("cblas_dgemm");
  library.f32.syrk =
      library.symbol<void(int, int, int, int, int, float, const float*, int, float, float*, int)>("cblas_ssyrk");
  library.f64.syrk =
      library.symbol<void(int, int, int, int, int, double, const double*, int, double, double*, int)>("cblas_dsyrk");
  library.f32.gemmt =
      library
          .symbol<void(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int)>(
              "cblas_sgemmt");
  library.f64.gemmt = library.symbol<void(int, int, int, int, int, int, double, const double*, int, const double*, int,
                                          double, double*, int)>("cblas_dgemmt");
}

// oneDNN's row-major sgemm has the letters of the Fortran interface; it has no float64 one.
inline void dnnl_gemm(int, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a, int lda,
                      const float* b, int ldb, float beta, float* c, int ldc) {
  using Sgemm = int(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*, std::int64_t,
                    const float*, std::int64_t, float, float*, std::int64_t);
  static const auto sgemm =
      reinterpret_cast<Sgemm*>(dlsym(open_first({"libdnnl.so.2", "libdnnl.so", nullptr}), "dnnl_sgemm"));
  const auto letter = [](int transpose) { return transpose == kTransposed ? 'T' : 'N'; };
  sgemm(letter(transpose_a), letter(transpose_b), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// All that are installed. The process's environment chooses their kernels (bench/peers/blas.mjs).
inline std::vector<Library> open_libraries() {
  std::vector<Library> all;
  if (void* handle = open_first({"libopenblas.so.0", "libopenblas.so", nullptr})) {
    Library library{.name = "OpenBLAS", .f32 = {}, .f64 = {}, .handle = handle};
    library.set_threads = [](const Library& self, int threads) {
      self.symbol<void(int)>("openblas_set_num_threads")(threads);
    };
    open_cblas(library);
    all.push_back(library);
  }
  if (void* handle = open_first({"libblis.so.4", "libblis.so.3", "libblis.so"})) {
    Library library{.name = "BLIS", .f32 = {}, .f64 = {}, .handle = handle};
    library.set_threads = [](const Library& self, int threads) {
      self.symbol<void(std::int64_t)>("bli_thread_set_num_threads")(threads);
    };
    open_cblas(library);
    all.push_back(library);
  }
  if (void* handle = open_first({"libdnnl.so.2", "libdnnl.so", nullptr})) {
    Library library{.name = "oneDNN", .f32 = {}, .f64 = {}, .handle = handle};
    library.f32.gemm = dnnl_gemm;
    library.set_threads = [](const Library& self, int threads) {  // of the OpenMP that it is linked to
      if (auto* set = self.symbol<void(int)>("omp_set_num_threads")) set(threads);
    };
    all.push_back(library);
  }
  return all;
}

}  // namespace gradsift::peers
