// The same products by OpenBLAS, by LIBXSMM where it is installed, and by our native code, taking turns in one process.
// Prints JSON rows for bench/run.mjs. Built and run by bench/peers/blas.mjs: blas OPERATION THREADS...

#include <cblas.h>
#ifdef WITH_LIBXSMM
#include <libxsmm.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "native/core/execution.h"
#include "native/kernels/table.h"
#include "native/linalg/cholesky.h"
#include "native/linalg/eigh.h"
#include "native/linalg/fma_peak.h"
#include "native/linalg/gemm.h"
#include "native/linalg/gfim.h"
#include "native/linalg/symmetric_product.h"

// LAPACK, which OpenBLAS holds too: matrices by columns, everything by reference.
extern "C" {
void spotrf_(const char* uplo, const int* n, float* a, const int* stride, int* info);
void dpotrf_(const char* uplo, const int* n, double* a, const int* stride, int* info);
void spotrs_(const char* uplo, const int* n, const int* rhs, const float* a, const int* stride, float* b,
             const int* b_stride, int* info);
void dpotrs_(const char* uplo, const int* n, const int* rhs, const double* a, const int* stride, double* b,
             const int* b_stride, int* info);
void dsyevd_(const char* job, const char* uplo, const int* n, double* a, const int* stride, double* values,
             double* work, const int* work_size, int* integers, const int* integers_size, int* info);
}

namespace {

using gradsift::Execution;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class T>
std::vector<T> random(std::size_t count) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(std::rand()) / static_cast<T>(RAND_MAX) - T{0.5};
  return values;
}

struct Candidate {
  std::string name;
  void (*run)(void*);
  void* context;
  std::vector<double> times = {};

  double median() {
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
  }
};

template <class Body>
Candidate candidate(const char* name, Body& body) {
  return {name, [](void* context) { (*static_cast<Body*>(context))(); }, &body};
}

double peak(bool f64, unsigned threads) {
  const Execution execution{threads};
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    double flops = 0;
    const double start = seconds();
    f64 ? gradsift::fma_peak_f64(execution, 250000, &flops) : gradsift::fma_peak_f32(execution, 250000, &flops);
    best = std::max(best, flops / (seconds() - start));
  }
  return best / 1e9;
}

bool first_row = true;

// Times the candidates in turns for about half a second and prints one row; the first of them is ours.
void report(const std::string& name, unsigned threads, double flops, bool f64, std::vector<Candidate> candidates) {
  const double end = seconds() + 0.5;
  const int inner = std::max(1, static_cast<int>(2e7 / flops));  // a timed round is long against the clock
  for (int round = 0; round < 6 || seconds() < end; ++round) {
    for (Candidate& each : candidates) {
      const double start = seconds();
      for (int i = 0; i < inner; ++i) each.run(each.context);
      if (round > 0) each.times.push_back((seconds() - start) / inner);
    }
  }
  std::printf("%s{\"case\": \"%s, native\", \"threads\": %u, \"unit\": \"GFLOP/s\", \"value\": %g, \"peak\": %g, ",
              first_row ? "[" : ",\n ", name.c_str(), threads, flops / candidates[0].median() / 1e9,
              peak(f64, threads));
  std::printf("\"peers\": {");
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    std::printf("%s\"%s\": %g", i > 1 ? ", " : "", candidates[i].name.c_str(), flops / candidates[i].median() / 1e9);
  }
  std::printf("}}");
  first_row = false;
}

template <class T>
void matmul(std::size_t m, std::size_t n, std::size_t k, unsigned threads) {
  const auto a = random<T>(m * k), b = random<T>(k * n);
  auto c = random<T>(m * n);
  const Execution execution{threads};
  gradsift::Gemm<T> problem;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = {a.data(), k, 1, 0};
  problem.b = {b.data(), n, 1, 0};
  problem.c = {c.data(), n, 1, 0};
  auto ours = [&] { gradsift::gemm(execution, problem); };
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), depth = static_cast<int>(k);
  auto openblas = [&] {
    if constexpr (sizeof(T) == 4) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1, a.data(), depth, b.data(),
                  columns, 0, c.data(), columns);
    } else {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1, a.data(), depth, b.data(),
                  columns, 0, c.data(), columns);
    }
  };
  std::vector<Candidate> all = {candidate("ours", ours), candidate("OpenBLAS", openblas)};
#ifdef WITH_LIBXSMM
  // LIBXSMM is made for small products on one thread; it thinks in columns, so C' = B' A'.
  const T one = 1, zero = 0;
  auto libxsmm = [&] {
    if constexpr (sizeof(T) == 4) {
      libxsmm_sgemm("N", "N", &columns, &rows, &depth, &one, b.data(), &columns, a.data(), &depth, &zero, c.data(),
                    &columns);
    } else {
      libxsmm_dgemm("N", "N", &columns, &rows, &depth, &one, b.data(), &columns, a.data(), &depth, &zero, c.data(),
                    &columns);
    }
  };
  if (threads == 1 && std::max({m, n, k}) <= 128) all.push_back(candidate("LIBXSMM", libxsmm));
#endif
  const std::string name = std::string(sizeof(T) == 4 ? "f32" : "f64") + " " + std::to_string(m) + " x " +
                           std::to_string(n) + " x " + std::to_string(k);
  report(name, threads, 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k), sizeof(T) == 8,
         all);
}

void syrk(int n, int k, const float* x, float* c, bool transposed) {
  cblas_ssyrk(CblasRowMajor, CblasLower, transposed ? CblasTrans : CblasNoTrans, n, k, 1, x, transposed ? n : k, 0, c,
              n);
}

void syrk(int n, int k, const double* x, double* c, bool transposed) {
  cblas_dsyrk(CblasRowMajor, CblasLower, transposed ? CblasTrans : CblasNoTrans, n, k, 1, x, transposed ? n : k, 0, c,
              n);
}

// Squares of a symmetric matrix: n^3 flops (one triangle), in full by us, one triangle by syrk.
template <class T>
void square(std::size_t n, unsigned threads) {
  const auto a = random<T>(n * n);
  auto c = a;
  const Execution execution{threads};
  gradsift::SymmetricProduct<T> problem;
  problem.n = n;
  problem.a = problem.b = {a.data(), n, 1, 0};
  problem.c = {c.data(), n, 1, 0};
  auto ours = [&] { gradsift::symmetric_product(execution, problem); };
  auto openblas = [&] { syrk(static_cast<int>(n), static_cast<int>(n), a.data(), c.data(), false); };
  report(std::string(sizeof(T) == 4 ? "f32" : "f64") + " n = " + std::to_string(n), threads,
         static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n + 1), sizeof(T) == 8,
         {candidate("ours", ours), candidate("OpenBLAS syrk", openblas)});
}

// Float32 rows. Ours ends in float64 either way; the peer sums in the type named, from rows of that type.
template <class T>
void fisher(std::size_t samples, std::size_t r, std::size_t d, unsigned threads) {
  const auto rows = random<float>(samples * r * d);
  const std::vector<T> peer_rows(rows.begin(), rows.end());
  std::vector<double> g(d * d);
  std::vector<T> peer_g(d * d);
  const Execution execution{threads};
  const auto precision = sizeof(T) == 4 ? gradsift::GramPrecision::f32 : gradsift::GramPrecision::f64;
  const gradsift::GfimBlock<float> block{rows.data(), samples, r, d, false, precision, 1, g.data()};
  auto ours = [&] { gradsift::accumulate_gfim(execution, block); };
  const int n = static_cast<int>(d), k = static_cast<int>(samples * r);
  auto openblas = [&] { syrk(n, k, peer_rows.data(), peer_g.data(), true); };
  report(std::string(sizeof(T) == 4 ? "f32" : "f64") + " " + std::to_string(samples * r) + " x " + std::to_string(d),
         threads, static_cast<double>(samples * r) * static_cast<double>(d) * static_cast<double>(d + 1),
         sizeof(T) == 8, {candidate("ours", ours), candidate("OpenBLAS syrk", openblas)});
}

void potrf_potrs(int n, int rhs, float* a, float* v) {
  int info = 0;
  spotrf_("L", &n, a, &n, &info);
  spotrs_("L", &n, &rhs, a, &n, v, &n, &info);
}

void potrf_potrs(int n, int rhs, double* a, double* v) {
  int info = 0;
  dpotrf_("L", &n, a, &n, &info);
  dpotrs_("L", &n, &rhs, a, &n, v, &n, &info);
}

// Both keep A and V, which potrf and potrs overwrite: a copy. Ours checks its residual in float64, too.
template <class T>
void cholesky(std::size_t n, unsigned threads) {
  constexpr std::size_t rhs = 16;
  auto a = random<T>(n * n);
  const auto v = random<T>(rhs * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a[j * n + i] = a[i * n + j];
    a[i * n + i] = static_cast<T>(n);  // dominant
  }
  auto h = v, peer_h = v, peer_a = a;
  const Execution execution{threads};
  gradsift::Certificate certificate;
  const gradsift::CholeskySolve<T> problem{1, n, rhs, a.data(), 0, v.data(), h.data(), 1e-3, &certificate};
  auto ours = [&] { gradsift::cholesky_solve(execution, problem); };
  auto openblas = [&] {
    peer_a = a;
    peer_h = v;
    potrf_potrs(static_cast<int>(n), static_cast<int>(rhs), peer_a.data(), peer_h.data());
  };
  const double order = static_cast<double>(n);
  report(std::string(sizeof(T) == 4 ? "f32" : "f64") + " n = " + std::to_string(n), threads,
         order * order * (order / 3 + 2 * rhs), sizeof(T) == 8,
         {candidate("ours", ours), candidate("OpenBLAS potrf + potrs", openblas)});
}

void eigh(std::size_t n, unsigned threads) {
  auto a = random<double>(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a[j * n + i] = a[i * n + j];
  }
  std::vector<double> values(n), vectors(n * n), peer_vectors(n * n), work(1 + 6 * n + 2 * n * n);
  std::vector<int> integers(3 + 5 * n);
  gradsift::Status status = gradsift::Status::ok;
  const gradsift::Eigh problem{1, n, a.data(), values.data(), vectors.data(), &status};
  const Execution execution{threads};
  auto ours = [&] { gradsift::eigh(execution, problem); };
  auto openblas = [&] {
    const int order = static_cast<int>(n), size = static_cast<int>(work.size());
    const int integers_size = static_cast<int>(integers.size());
    int info = 0;
    peer_vectors = a;
    dsyevd_("V", "L", &order, peer_vectors.data(), &order, values.data(), work.data(), &size, integers.data(),
            &integers_size, &info);
  };
  // 4/3 for the reduction, 4/3 for divide and conquer, 2 for the vectors: nominal, most matrices need less.
  const double flops = 14.0 / 3 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  report("n = " + std::to_string(n), threads, flops, true,
         {candidate("ours", ours), candidate("OpenBLAS dsyevd", openblas)});
}

void run(const char* operation, unsigned threads) {
  openblas_set_num_threads(static_cast<int>(threads));
  if (std::strcmp(operation, "matmul") == 0) {
    for (const std::size_t n : {16, 32, 64, 128, 512, 1024}) {
      if (threads > 1 && n < 128) continue;
      matmul<float>(n, n, n, threads);
      matmul<double>(n, n, n, threads);
    }
    matmul<float>(16, 512, 512, threads);
  } else if (std::strcmp(operation, "symmetric-product") == 0) {
    for (const std::size_t n : {128, 512, 1024}) {
      square<float>(n, threads);
      square<double>(n, threads);
    }
  } else if (std::strcmp(operation, "cholesky-solve") == 0) {
    for (const std::size_t n : {512, 1024, 2048, 4096}) {
      cholesky<float>(n, threads);
      cholesky<double>(n, threads);
    }
  } else if (std::strcmp(operation, "eigh") == 0) {
    for (const std::size_t n : {64, 128, 256, 512, 1024, 2048}) eigh(n, threads);
  } else {
    for (const std::size_t d : {64, 128, 512}) {
      fisher<float>(2000, 8, d, threads);
      fisher<double>(2000, 8, d, threads);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 2; i < count; ++i) run(arguments[1], static_cast<unsigned>(std::atoi(arguments[i])));
  std::printf("%s]\n", first_row ? "[" : "");
}
