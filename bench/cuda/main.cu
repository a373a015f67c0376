// Times the primitives of libgradsift_cuda.so on a GPU: `bench LIBRARY`. One JSON line a measurement, medians of device
// events, random data; scripts/gpu-check builds it, runs it and compares it with bench/peers/cuda.py.

#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "native/cuda/plugin.h"

namespace gradsift::cuda {

namespace {

const Plugin* plugin = nullptr;
Session* session = nullptr;
bool failed = false;  // what was measured afterwards is not told

void tell(const std::string& name, double value, const char* unit) {
  if (failed) return;
  std::printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name.c_str(), value, unit);
  std::fflush(stdout);
}

void require(Status status, const char* what) {
  if (status == Status::ok) return;
  std::printf("bench: %s: %s\n", what, plugin->error(session));
  failed = true;
}

// Median over device events; the work is queued on the session's stream.
template <class Work>
double milliseconds(const Work& work, int repeats = 20) {
  const auto stream = static_cast<cudaStream_t>(plugin->stream(session));
  cudaEvent_t start, end;
  cudaEventCreate(&start);
  cudaEventCreate(&end);
  std::vector<double> times;
  for (int i = -3; i < repeats; ++i) {
    cudaEventRecord(start, stream);
    require(work(), "a launch");
    cudaEventRecord(end, stream);
    require(plugin->synchronize(session), "synchronize");
    float time = 0;
    cudaEventElapsedTime(&time, start, end);
    if (i >= 0) times.push_back(time);
  }
  cudaEventDestroy(start);
  cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

struct Memory {
  void* data = nullptr;
  std::size_t bytes;
  explicit Memory(std::size_t count) : bytes(count) { require(plugin->allocate(session, bytes, &data), "allocate"); }
  Memory(const Memory&) = delete;
  ~Memory() { plugin->free(session, data); }

  // `from` again and again until the end.
  void fill(const void* from, std::size_t count) {
    for (std::size_t at = 0; at < bytes; at += count) {
      require(plugin->upload(session, static_cast<char*>(data) + at, from, std::min(count, bytes - at)), "upload");
    }
  }
};

std::mt19937_64 generator(1);

std::vector<float> normals(std::size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& x : values) x = normal(generator);
  return values;
}

std::vector<std::uint16_t> to_bf16(const std::vector<float>& values) {
  std::vector<std::uint16_t> bits(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t wide;
    std::memcpy(&wide, &values[i], 4);
    bits[i] = static_cast<std::uint16_t>((wide + 0x8000u) >> 16);
  }
  return bits;
}

// About 16 million random numbers, as every type; larger matrices repeat them.
constexpr std::size_t kPool = std::size_t{1} << 24;

void fill_random(Memory& memory, Type type) {
  static const std::vector<float> floats = normals(kPool);
  static const std::vector<std::uint16_t> halves = to_bf16(floats);
  static const std::vector<double> doubles(floats.begin(), floats.end());
  if (type == Type::f32) memory.fill(floats.data(), kPool * 4);
  if (type == Type::f64) memory.fill(doubles.data(), kPool * 8);
  if (type == Type::bf16) memory.fill(halves.data(), kPool * 2);
}

std::size_t size_of(Type type) { return type == Type::f64 ? 8 : type == Type::f32 ? 4 : 2; }

Product square_product(std::size_t n, Type type, Math math, const Memory& a, const Memory& b, const Memory& c) {
  Product p{};
  p.batch = 1;
  p.m = p.n = p.k = n;
  p.math = math;
  p.alpha = 1;
  p.a = {a.data, type, n, 1, 0, 0, 0};
  p.b = {b.data, type, 1, n, 0, 0, 0};
  p.c = c.data;
  p.c_type = type == Type::f64 ? Type::f64 : Type::f32;
  p.c_stride = n;
  return p;
}

void product(const char* name, std::size_t n, Type type, Math math, bool lower) {
  Memory a(n * n * size_of(type)), b(n * n * size_of(type)), c(n * n * 8);
  fill_random(a, type);
  fill_random(b, type);
  Product p = square_product(n, type, math, a, b, c);
  if (lower) {
    p.lower = true;
    p.b = p.a;
  }
  const double flops = lower ? static_cast<double>(n) * n * (n + 1) : 2.0 * n * n * n;
  const double time = milliseconds([&] { return plugin->primitives->product(session, &p); });
  tell(std::string("product ") + name + " n=" + std::to_string(n), flops / time * 1e-9, "TFLOP/s");
}

// The largest error of 16 rows, relative to the sum of |a b| behind an element.
void product_error() {
  const std::size_t n = 4096, rows = 16;
  const std::vector<float> a = normals(n * n), b = normals(n * n);
  Memory da(n * n * 4), db(n * n * 4), dc(n * n * 4);
  da.fill(a.data(), n * n * 4);
  db.fill(b.data(), n * n * 4);
  const Product p = square_product(n, Type::f32, Math::tf32x3, da, db, dc);
  require(plugin->primitives->product(session, &p), "product");
  std::vector<float> c(rows * n);
  require(plugin->download(session, c.data(), dc.data, c.size() * 4), "download");
  double worst = 0;
  std::vector<double> sum(n), size(n);
  for (std::size_t i = 0; i < rows; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0);
    std::fill(size.begin(), size.end(), 0.0);
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t j = 0; j < n; ++j) {
        const double term = static_cast<double>(a[i * n + k]) * static_cast<double>(b[k * n + j]);
        sum[j] += term;
        size[j] += std::fabs(term);
      }
    }
    for (std::size_t j = 0; j < n; ++j) {
      worst = std::max(worst, std::fabs(static_cast<double>(c[i * n + j]) - sum[j]) / size[j]);
    }
  }
  tell("product tf32x3 error, share of |A||B|", worst, "");
}

void gram() {
  const std::size_t d = 4096, r = 16, samples = 8192;
  Memory rows(samples * r * d * 2), out(d * d * 8);
  fill_random(rows, Type::bf16);
  const std::vector<double> zeros(d * d);
  out.fill(zeros.data(), d * d * 8);
  const Gram g{rows.data, Type::bf16, Math::half, false, samples, r, d, 1.0 / samples, static_cast<double*>(out.data)};
  const double time = milliseconds([&] { return plugin->primitives->gram(session, &g); }, 5);
  tell("gram bf16 d=4096 r=16", static_cast<double>(samples) * r * d * d / time * 1e-9, "TFLOP/s");
}

void row_dots(const char* name, Type type, std::size_t queries) {
  const std::size_t count = 65536, length = type == Type::f32 ? 8192 : 16384;
  Memory x(count * length * size_of(type)), h(queries * length * 8), out(queries * count * 8);
  fill_random(x, type);
  fill_random(h, Type::f64);
  const RowDots p{x.data,  type,
                  count,   length,
                  length,  static_cast<double*>(h.data),
                  queries, 1,
                  0,       static_cast<double*>(out.data),
                  count,   nullptr};
  const double time = milliseconds([&] { return plugin->primitives->row_dots(session, &p); }, 10);
  tell(std::string("row dots ") + name + " q=" + std::to_string(queries), x.bytes / time * 1e-6, "GB/s");
}

void row_dots_from_host() {
  const std::size_t count = 1 << 15, length = 8192;  // 1 GiB
  std::vector<float> x(count * length);
  const std::vector<float> pool = normals(1 << 20);
  for (std::size_t i = 0; i < x.size(); i += pool.size()) std::copy(pool.begin(), pool.end(), x.begin() + i);
  std::vector<double> h(length, 0.5), out(count);
  const RowDots p{x.data(), Type::f32, count, length, length, h.data(), 1, 1, 0, out.data(), count, nullptr};
  const Watch nobody{};
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    require(plugin->routines->row_dots(session, &p, &nobody), "row dots from host");
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  tell("row dots from host", x.size() * 4 / times[2] * 1e-9, "GB/s");
}

// Reflections of a log-spaced spectrum: I - 2 u u' on both sides, in O(n^2).
std::vector<float> systems(std::size_t batch, std::size_t n, double kappa) {
  std::vector<float> a(batch * n * n);
  std::normal_distribution<double> normal;
  std::vector<double> u(n), du(n), d(n);
  for (std::size_t i = 0; i < n; ++i) d[i] = std::pow(kappa, static_cast<double>(i) / (n - 1) - 1);
  for (std::size_t b = 0; b < batch; ++b) {
    double square = 0, middle = 0;
    for (double& x : u) {
      x = normal(generator);
      square += x * x;
    }
    for (std::size_t i = 0; i < n; ++i) {
      du[i] = d[i] * u[i];
      middle += u[i] * du[i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double value = (i == j ? d[i] : 0) - 2 * (u[i] * du[j] + du[i] * u[j]) / square +
                             4 * middle * u[i] * u[j] / (square * square);
        a[(b * n + i) * n + j] = static_cast<float>(value);
      }
    }
  }
  return a;
}

void solves() {
  const std::size_t batch = 4096, rhs = 16;
  for (const std::size_t n : {32, 64, 128}) {
    const std::vector<float> a = systems(batch, n, 1e3);
    Memory da(a.size() * 4), v(batch * rhs * n * 4), h(v.bytes), c(batch * sizeof(Certificate));
    da.fill(a.data(), da.bytes);
    fill_random(v, Type::f32);
    // The bounds that a Fisher matrix has: its damping, here the least eigenvalue; the upper one is found.
    const Solve p{batch,
                  n,
                  rhs,
                  Type::f32,
                  da.data,
                  0,
                  0.999e-3,
                  0,
                  v.data,
                  h.data,
                  1e-6,
                  true,
                  static_cast<Certificate*>(c.data)};
    const auto measure = [&](const char* name, Status (*solve)(Session*, const Solve*) noexcept) {
      const double time = milliseconds([&] { return solve(session, &p); }, 10);
      tell(std::string(name) + " d=" + std::to_string(n) + " x 4096", batch / time, "1/ms");
      std::vector<Certificate> certificates(batch);
      require(plugin->download(session, certificates.data(), c.data, c.bytes), "download");
      double worst = 0;
      for (const Certificate& one : certificates) worst = std::max(worst, one.residual);
      tell(std::string(name) + " d=" + std::to_string(n) + ": residual", worst, "");
      tell(std::string(name) + " d=" + std::to_string(n) + ": steps", certificates[0].steps, "");
    };
    measure("hyperpower solve", plugin->primitives->hyperpower_solve_small);
    measure("cholesky solve", plugin->primitives->cholesky_solve_small);
  }
}

// 96 layers, as a model has; factors stay on the device for the length of the solve.
void large_solves() {
  const std::size_t batch = 96, n = 1024, rhs = 16;
  const std::vector<float> a = systems(batch, n, 1e3);
  Memory da(a.size() * 4), v(batch * rhs * n * 4), h(v.bytes), c(batch * sizeof(Certificate));
  da.fill(a.data(), da.bytes);
  fill_random(v, Type::f32);
  const Solve p{
      batch, n, rhs, Type::f32, da.data, 0, 0.999e-3, 0, v.data, h.data, 1e-6, true, static_cast<Certificate*>(c.data)};
  const double time = milliseconds([&] { return plugin->primitives->hyperpower_solve_large(session, &p); }, 5);
  tell("hyperpower solve d=1024 x 96", batch / time, "1/ms");
  std::vector<Certificate> certificates(batch);
  require(plugin->download(session, certificates.data(), c.data, c.bytes), "download");
  double worst = 0;
  for (const Certificate& one : certificates) worst = std::max(worst, one.residual);
  tell("hyperpower solve d=1024: residual", worst, "");
  tell("hyperpower solve d=1024: steps", certificates[0].steps, "");
  tell("hyperpower solve d=1024: refinements", certificates[0].refinements, "");
}

void run() {
  require(plugin->open(0, 0, &session), "open");
  product("tf32x3", 4096, Type::f32, Math::tf32x3, false);
  product("tf32x3, lower,", 4096, Type::f32, Math::tf32x3, true);
  product("tf32", 4096, Type::f32, Math::tf32, false);
  product("bf16", 4096, Type::bf16, Math::half, false);
  product("bf16", 8192, Type::bf16, Math::half, false);
  product("f64", 4096, Type::f64, Math::f64, false);
  product_error();
  gram();
  for (const std::size_t queries : {1, 4, 16}) row_dots("f32", Type::f32, queries);
  row_dots("bf16", Type::bf16, 1);
  row_dots_from_host();
  solves();
  large_solves();
  plugin->close(session);
}

}  // namespace

}  // namespace gradsift::cuda

int main(int count, char** arguments) {
  namespace cuda = gradsift::cuda;
  void* library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  const auto entry =
      library == nullptr ? nullptr : reinterpret_cast<cuda::EntryPoint>(dlsym(library, cuda::kEntryPoint));
  if (entry == nullptr || entry()->abi_version != cuda::kAbiVersion) {
    std::printf("bench: expected the path of libgradsift_cuda.so\n");
    return 2;
  }
  cuda::plugin = entry();
  if (cuda::plugin->score() == 0) {
    std::printf("bench: skipped: %s\n", cuda::plugin->reason());
    return 2;
  }
  cuda::run();
  std::printf("bench: %s\n", cuda::failed ? "failed" : "done");
  return cuda::failed ? 1 : 0;
}
