// The same large products by OpenBLAS, BLIS and oneDNN, whichever are installed, and by our native code, taking turns
// in one process. Prints JSON rows for bench/run.mjs. Built and run by bench/peers/blas.mjs; lists have commas:
//   blas OPERATION THREADS [TYPES [SIZES]]      as in: blas matmul 1,2 f32,f64 512,1024
// A case takes a second, and six turns of all candidates where those take longer: products of 4096 half a minute.

#include <bit>
#include <cstring>
#include <random>

#include "bench/peers/libraries.h"
#include "bench/peers/turns.h"
#include "native/core/execution.h"
#include "native/linalg/cholesky.h"
#include "native/linalg/eigh.h"
#include "native/linalg/gemm.h"
#include "native/linalg/gfim.h"
#include "native/linalg/symmetric_product.h"

namespace {

using gradsift::Execution;
using gradsift::peers::Candidate;
using gradsift::peers::kLower;
using gradsift::peers::kPlain;
using gradsift::peers::kRowMajor;
using gradsift::peers::kTransposed;
using gradsift::peers::Library;
using gradsift::peers::report;
using gradsift::peers::routines;
using gradsift::peers::Wanted;

template <class T>
constexpr const char* kType = sizeof(T) == sizeof(float) ? "f32" : "f64";

template <class T>
std::vector<T> random(std::size_t count) {
  static std::mt19937 engine;
  std::uniform_real_distribution<float> uniform(-0.5, 0.5);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(uniform(engine));
  return values;
}

std::vector<Library>& libraries() {
  static std::vector<Library> all = gradsift::peers::open_libraries();
  return all;
}

template <class T>
void matmul(std::size_t m, std::size_t n, std::size_t k, unsigned threads) {
  const auto a = random<T>(m * k), b = random<T>(k * n);
  std::vector<T> c(m * n);
  gradsift::Gemm<T> problem;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = {a.data(), k, 1, 0};
  problem.b = {b.data(), n, 1, 0};
  problem.c = {c.data(), n, 1, 0};
  std::vector<Candidate> all = {{"ours", [&] { gradsift::gemm(Execution{threads}, problem); }}};
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), depth = static_cast<int>(k);
  for (const Library& library : libraries()) {
    if (auto* gemm = routines<T>(library).gemm) {
      all.push_back({library.name, [&, gemm] {
                       gemm(kRowMajor, kPlain, kPlain, rows, columns, depth, 1, a.data(), depth, b.data(), columns, 0,
                            c.data(), columns);
                     }});
    }
  }
  const std::string name =
      std::string(kType<T>) + " " + std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k);
  report({name, threads, 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
          sizeof(T) == sizeof(double)},
         all);
}

// Products of commuting symmetric matrices: n^3 flops, one triangle. Ours is then mirrored; the peers' is not.
template <class T>
void symmetric(std::size_t n, unsigned threads, bool square) {
  const auto a = random<T>(n * n), other = random<T>(square ? 0 : n * n);
  const T* b = square ? a.data() : other.data();
  std::vector<T> c(n * n);
  gradsift::SymmetricProduct<T> problem;
  problem.n = n;
  problem.a = {a.data(), n, 1, 0};
  problem.b = {b, n, 1, 0};
  problem.c = {c.data(), n, 1, 0};
  std::vector<Candidate> all = {{"ours", [&] { gradsift::symmetric_product(Execution{threads}, problem); }}};
  const int order = static_cast<int>(n);
  for (const Library& library : libraries()) {
    auto* syrk = routines<T>(library).syrk;
    auto* gemmt = routines<T>(library).gemmt;
    if (square && syrk != nullptr) {
      all.push_back({library.name + " syrk", [&, syrk] {
                       syrk(kRowMajor, kLower, kPlain, order, order, 1, a.data(), order, 0, c.data(), order);
                     }});
    } else if (!square && gemmt != nullptr) {
      all.push_back({library.name + " gemmt", [&, gemmt] {
                       gemmt(kRowMajor, kLower, kPlain, kPlain, order, order, 1, a.data(), order, b, order, 0, c.data(),
                             order);
                     }});
    }
  }
  report({std::string(kType<T>) + (square ? " square" : " two inputs") + " n = " + std::to_string(n), threads,
          static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n + 1), sizeof(T) == sizeof(double)},
         all);
}

// Float32 rows. Ours ends in float64 either way; the peer sums in the type named, from rows of that type.
template <class T>
void fisher(std::size_t samples, std::size_t r, std::size_t d, unsigned threads) {
  const auto rows = random<float>(samples * r * d);
  const std::vector<T> peer_rows(rows.begin(), rows.end());
  std::vector<double> g(d * d);
  std::vector<T> peer_g(d * d);
  const auto precision = sizeof(T) == sizeof(float) ? gradsift::GramPrecision::f32 : gradsift::GramPrecision::f64;
  const gradsift::GfimBlock<float> block{rows.data(), samples, r, d, false, precision, 1, g.data()};
  std::vector<Candidate> all = {{"ours", [&] { gradsift::accumulate_gfim(Execution{threads}, block); }}};
  const int n = static_cast<int>(d), k = static_cast<int>(samples * r);
  for (const Library& library : libraries()) {
    if (auto* syrk = routines<T>(library).syrk) {
      all.push_back({library.name + " syrk", [&, syrk] {
                       syrk(kRowMajor, kLower, kTransposed, n, k, 1, peer_rows.data(), n, 0, peer_g.data(), n);
                     }});
    }
  }
  report({std::string(kType<T>) + " rows f32 " + std::to_string(samples * r) + " x " + std::to_string(d), threads,
          static_cast<double>(samples * r) * static_cast<double>(d) * static_cast<double>(d + 1),
          sizeof(T) == sizeof(double)},
         all);
}

// Rows stored in bfloat16 and half, beside the same product from float32 rows.
void fisher_half(std::size_t samples, std::size_t r, std::size_t d, unsigned threads) {
  using gradsift::GramPrecision;
  const auto rows = random<float>(samples * r * d);
  std::vector<std::uint16_t> half(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    half[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rows[i]) >> 16);
  std::vector<double> g(d * d);
  const auto from_half = [&](GramPrecision precision, gradsift::HalfType type) {
    return [&, precision, type] {
      gradsift::GfimBlock<std::uint16_t> block{half.data(), samples, r, d, false, precision, 1, g.data(), type};
      gradsift::accumulate_gfim(Execution{threads}, block);
    };
  };
  const gradsift::GfimBlock<float> block{rows.data(), samples, r, d, false, GramPrecision::f32, 1, g.data()};
  report({"bf16 dots, rows bf16 " + std::to_string(samples * r) + " x " + std::to_string(d), threads,
          static_cast<double>(samples * r) * static_cast<double>(d) * static_cast<double>(d + 1), false},
         {{"ours", from_half(GramPrecision::bf16, gradsift::HalfType::bf16)},
          {"our f32, rows f32", [&] { gradsift::accumulate_gfim(Execution{threads}, block); }},
          {"our f32, rows bf16", from_half(GramPrecision::f32, gradsift::HalfType::bf16)},
          {"our f32, rows f16", from_half(GramPrecision::f32, gradsift::HalfType::f16)}});
}

// LAPACK, which OpenBLAS holds too: matrices by columns, everything by reference.
template <class T>
using Potrf = void(const char* triangle, const int* n, T* a, const int* stride, int* info);
template <class T>
using Potrs = void(const char* triangle, const int* n, const int* rhs, const T* a, const int* stride, T* b,
                   const int* b_stride, int* info);
using Syevd = void(const char* job, const char* triangle, const int* n, double* a, const int* stride, double* values,
                   double* work, const int* work_size, int* integers, const int* integers_size, int* info);

const Library* openblas() {
  for (const Library& library : libraries()) {
    if (library.name == "OpenBLAS") return &library;
  }
  return nullptr;
}

// Both keep A and V, which potrf and potrs overwrite: a copy. Ours checks its residual in float64, too.
template <class T>
void cholesky(std::size_t n, unsigned threads) {
  const Library* peer = openblas();
  if (peer == nullptr) return;
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
  const gradsift::CholeskySolve<T> problem{1, n, rhs, a.data(), 0, v.data(), h.data(), 1e-3, false, &certificate};
  auto ours = [&] { gradsift::cholesky_solve(execution, problem); };
  auto* potrf = peer->symbol<Potrf<T>>(sizeof(T) == sizeof(float) ? "spotrf_" : "dpotrf_");
  auto* potrs = peer->symbol<Potrs<T>>(sizeof(T) == sizeof(float) ? "spotrs_" : "dpotrs_");
  auto potrf_potrs = [&] {
    const int order = static_cast<int>(n), count = static_cast<int>(rhs);
    int info = 0;
    peer_a = a;
    peer_h = v;
    potrf("L", &order, peer_a.data(), &order, &info);
    potrs("L", &order, &count, peer_a.data(), &order, peer_h.data(), &order, &info);
  };
  const double order = static_cast<double>(n);
  report({std::string(kType<T>) + " n = " + std::to_string(n), threads, order * order * (order / 3 + 2 * rhs),
          sizeof(T) == sizeof(double)},
         {{"ours", ours}, {"OpenBLAS potrf + potrs", potrf_potrs}});
}

void eigh(std::size_t n, unsigned threads) {
  const Library* peer = openblas();
  if (peer == nullptr) return;
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
  auto* syevd = peer->symbol<Syevd>("dsyevd_");
  auto dsyevd = [&] {
    const int order = static_cast<int>(n), size = static_cast<int>(work.size());
    const int integers_size = static_cast<int>(integers.size());
    int info = 0;
    peer_vectors = a;
    syevd("V", "L", &order, peer_vectors.data(), &order, values.data(), work.data(), &size, integers.data(),
          &integers_size, &info);
  };
  // 4/3 for the reduction, 4/3 for divide and conquer, 2 for the vectors: nominal, most matrices need less.
  const double flops = 14.0 / 3 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  report({"n = " + std::to_string(n), threads, flops, true}, {{"ours", ours}, {"OpenBLAS dsyevd", dsyevd}});
}

// What the command line asks for; everything, and the sizes of the table, where it says nothing.
// Calls body(n, T{}) for each size and type.
template <class Body>
void each(const Wanted& wanted, std::vector<std::size_t> usual_sizes, const Body& body) {
  for (const std::size_t n : wanted.sizes_or(std::move(usual_sizes))) {
    if (wanted.type("f32")) body(n, float{});
    if (wanted.type("f64")) body(n, double{});
  }
}

void run(const char* operation, const Wanted& wanted, unsigned threads) {
  for (const Library& library : libraries()) library.set_threads(library, static_cast<int>(threads));
  if (std::strcmp(operation, "matmul") == 0) {
    each(wanted, {63, 65, 127, 129, 256, 512, 1000, 1001, 1024, 2048, 4096},
         [=]<class T>(std::size_t n, T) { matmul<T>(n, n, n, threads); });
    if (wanted.sizes.empty()) matmul<float>(16, 512, 512, threads);
  } else if (std::strcmp(operation, "symmetric-product") == 0) {
    each(wanted, {128, 512, 1024, 2048}, [=]<class T>(std::size_t n, T) {
      for (const bool square : {true, false}) symmetric<T>(n, threads, square);
    });
  } else if (std::strcmp(operation, "cholesky-solve") == 0) {
    each(wanted, {512, 1024, 2048, 4096}, [=]<class T>(std::size_t n, T) { cholesky<T>(n, threads); });
  } else if (std::strcmp(operation, "eigh") == 0) {
    for (const std::size_t n : wanted.sizes_or({64, 128, 256, 512, 1024, 2048})) eigh(n, threads);
  } else {
    each(wanted, {128, 512, 1024}, [=]<class T>(std::size_t d, T) {
      d <= 128 ? fisher<T>(2400, 1, d, threads) : fisher<T>(2000, 16, d, threads);
      if (d > 128 && sizeof(T) == sizeof(float)) fisher_half(2000, 16, d, threads);
    });
  }
}

}  // namespace

int main(int count, char** arguments) {
  const Wanted wanted = gradsift::peers::read_wanted(count, arguments);
  for (const std::size_t threads : wanted.threads) run(arguments[1], wanted, static_cast<unsigned>(threads));
  std::printf("%s]\n", gradsift::peers::first_row ? "[" : "");
}
