#include "native/cuda/routines.h"

#include "native/cuda/assign.h"
#include "native/cuda/gram.h"
#include "native/cuda/product.h"
#include "native/cuda/routine.h"
#include "native/cuda/row_dots.h"

namespace gradsift::cuda {

namespace {

std::size_t round_up(std::size_t value, std::size_t unit) noexcept { return (value + unit - 1) / unit * unit; }

// A batch of matrices of the host as it lies on the device: rows padded to 16 bytes, so that kernels copy them whole.
struct Placed {
  std::size_t rows = 0, length = 0;             // of a matrix as stored
  std::size_t host_stride = 0, host_batch = 0;  // elements
  std::size_t stride = 0;                       // on the device
  std::size_t bytes = 0;                        // of an element
  bool one = false;                             // one matrix for the whole batch

  std::size_t matrix_bytes() const noexcept { return rows * stride * bytes; }
  std::size_t batch_stride() const noexcept { return one ? 0 : rows * stride; }

  HostRows host_rows() const noexcept { return {rows, length * bytes, stride * bytes, host_stride * bytes}; }

  // copy(device, host, rows) for `count` matrices, at once where their rows follow one another at one distance.
  template <class Memory, class Copy>
  Status each(char* device, Memory* host, std::size_t count, const Copy& copy) const noexcept {
    HostRows all = host_rows();
    if (one) count = std::min<std::size_t>(count, 1);
    if (host_batch == rows * host_stride) {
      all.rows *= count;
      count = std::min<std::size_t>(count, 1);
    }
    Status status = Status::ok;
    for (std::size_t b = 0; status == Status::ok && b < count; ++b) {
      status = copy(device + b * matrix_bytes(), host + b * host_batch * bytes, all);
    }
    return status;
  }
};

Placed place(std::size_t rows, std::size_t length, std::size_t stride, std::size_t batch_stride, Type type) noexcept {
  Placed placed;
  placed.rows = rows;
  placed.length = length;
  placed.host_stride = stride;
  placed.host_batch = batch_stride;
  placed.bytes = element_bytes(type);
  placed.stride = round_up(length, 16 / placed.bytes);
  placed.one = batch_stride == 0;
  return placed;
}

Placed place(const Operand& x, std::size_t lines, std::size_t depth) noexcept {
  const bool along = x.depth_stride == 1;
  return along ? place(lines, depth, x.line_stride, x.batch_stride, x.type)
               : place(depth, lines, x.depth_stride, x.batch_stride, x.type);
}

Operand on_device(const Operand& x, const Placed& placed, const void* data) noexcept {
  Operand moved = x;
  moved.data = data;
  (x.depth_stride == 1 ? moved.line_stride : moved.depth_stride) = placed.stride;
  moved.batch_stride = placed.batch_stride();
  return moved;
}

Status send(Session& session, const Placed& placed, char* device, const void* host, std::size_t count) noexcept {
  return placed.each(
      device, static_cast<const char*>(host), count,
      [&](char* to, const char* from, const HostRows& rows) { return copy_in(session, to, from, rows); });
}

Status fetch(Session& session, const Placed& placed, const char* device, void* host, std::size_t count) noexcept {
  return placed.each(const_cast<char*>(device), static_cast<char*>(host), count,
                     [&](char* from, char* to, const HostRows& rows) { return copy_out(session, to, from, rows); });
}

// Matrices that go at a time: four fifths of the budget, the rest for scratch of the primitives.
std::size_t matrices_at_once(const Session& session, std::size_t bytes_each, std::size_t batch) noexcept {
  const std::size_t room = session.budget / 5 * 4;
  return std::clamp<std::size_t>(room / std::max<std::size_t>(1, bytes_each), 1, std::max<std::size_t>(1, batch));
}

bool same(const Operand& a, const Operand& b) noexcept {
  return a.data == b.data && a.line_stride == b.line_stride && a.depth_stride == b.depth_stride &&
         a.batch_stride == b.batch_stride;
}

struct ProductBuffers {
  Placed a, b, c;
  DeviceBuffer<char> a_memory, b_memory, c_memory;
  bool shared = false;  // one copy serves both operands

  Status open(Session& session, const Product& p, std::size_t count) noexcept {
    Status status = a_memory.open(session, a.matrix_bytes() * (a.one ? 1 : count));
    if (status == Status::ok && !shared) status = b_memory.open(session, b.matrix_bytes() * (b.one ? 1 : count));
    if (status == Status::ok) status = c_memory.open(session, c.matrix_bytes() * count);
    if (status == Status::ok && a.one) status = send(session, a, a_memory.data(), p.a.data, 1);
    if (status == Status::ok && b.one && !shared) status = send(session, b, b_memory.data(), p.b.data, 1);
    return status;
  }
};

Status product_part(Session& session, const Product& p, ProductBuffers& m, std::size_t first,
                    std::size_t count) noexcept {
  const auto host = [first](const Operand& x, const Placed& placed) {
    return static_cast<const char*>(x.data) + first * placed.host_batch * placed.bytes;
  };
  char* c = static_cast<char*>(p.c) + first * m.c.host_batch * m.c.bytes;
  Status status = Status::ok;
  if (!m.a.one) status = send(session, m.a, m.a_memory.data(), host(p.a, m.a), count);
  if (status == Status::ok && !m.b.one && !m.shared)
    status = send(session, m.b, m.b_memory.data(), host(p.b, m.b), count);
  if (status == Status::ok && p.beta != 0) status = send(session, m.c, m.c_memory.data(), c, count);
  if (status != Status::ok) return status;
  Product part = p;
  part.batch = count;
  part.a = on_device(p.a, m.a, m.a_memory.data());
  part.b = on_device(p.b, m.b, m.shared ? m.a_memory.data() : m.b_memory.data());
  part.c = m.c_memory.data();
  part.c_stride = m.c.stride;
  part.c_batch_stride = m.c.rows * m.c.stride;
  status = product(&session, &part);
  return status == Status::ok ? fetch(session, m.c, m.c_memory.data(), c, count) : status;
}

}  // namespace

Status run_product(Session* session, const Product* problem, const Watch* watch) noexcept {
  const Product& p = *problem;
  if (p.batch == 0 || p.m == 0 || p.n == 0) return Status::ok;
  const Routine routine(*session, watch);
  ProductBuffers m;
  m.a = place(p.a, p.m, p.k);
  m.b = place(p.b, p.n, p.k);
  m.c = place(p.m, p.n, p.c_stride, p.c_batch_stride, p.c_type);
  m.c.one = false;
  m.shared = same(p.a, p.b) && p.m == p.n;
  const std::size_t each =
      (m.a.one ? 0 : m.a.matrix_bytes()) + (m.b.one || m.shared ? 0 : m.b.matrix_bytes()) + m.c.matrix_bytes();
  const std::size_t at_once = matrices_at_once(*session, each, p.batch);
  Status status = m.open(*session, p, at_once);
  for (std::size_t first = 0; status == Status::ok && first < p.batch; first += at_once) {
    status = product_part(*session, p, m, first, std::min(at_once, p.batch - first));
    routine.advance(1);
  }
  return status;
}

Status run_gram(Session* session, const Gram* problem, const Watch* watch) noexcept {
  const Gram& g = *problem;
  if (g.samples == 0 || g.r == 0 || g.d == 0) return Status::ok;
  const Routine routine(*session, watch);
  const std::size_t n = g.transpose_samples ? g.r : g.d;
  DeviceBuffer<double> out;
  RowStream rows;
  Status status = out.open(*session, n * n);
  if (status == Status::ok) {
    status = rows.open(*session, g.samples, g.r * g.d * element_bytes(g.type), gram_chunk_samples(g));
  }
  if (status == Status::ok) status = copy_in(*session, out.data(), g.out, contiguous(n * n * sizeof(double)));
  if (status != Status::ok) return status;
  status = rows.run(g.rows, routine, [&](const void* block, std::size_t, std::size_t samples) {
    Gram part = g;
    part.rows = block;
    part.samples = samples;
    part.out = out.data();
    return gram(session, &part);
  });
  return status == Status::ok ? copy_out(*session, g.out, out.data(), contiguous(n * n * sizeof(double))) : status;
}

Status run_row_dots(Session* session, const RowDots* problem, const Watch* watch) noexcept {
  const RowDots& p = *problem;
  if (p.count == 0) return Status::ok;
  const Routine routine(*session, watch);
  const std::size_t number = sizeof(double);
  const HostRows out_rows{p.queries, p.count * number, p.count * number, p.out_stride * number};
  DeviceBuffer<double> h, out, norms;
  RowStream rows;
  Status status = h.open(*session, p.queries * p.length);
  if (status == Status::ok) status = out.open(*session, p.queries * p.count);
  if (status == Status::ok) status = norms.open(*session, p.norms == nullptr ? 0 : p.count);
  if (status == Status::ok) status = rows.open(*session, p.count, p.row_stride * element_bytes(p.type), 1);
  if (status == Status::ok) status = copy_in(*session, h.data(), p.h, contiguous(p.queries * p.length * number));
  if (status == Status::ok && p.beta != 0) status = copy_in(*session, out.data(), p.out, out_rows);
  if (status != Status::ok) return status;
  status = rows.run(p.x, routine, [&](const void* block, std::size_t first, std::size_t count) {
    RowDots part = p;
    part.x = block;
    part.count = count;
    part.h = h.data();
    part.out = out.data() + first;
    part.out_stride = p.count;
    part.norms = p.norms == nullptr ? nullptr : norms.data() + first;
    return row_dots(session, &part);
  });
  if (status == Status::ok) status = copy_out(*session, p.out, out.data(), out_rows);
  if (status != Status::ok || p.norms == nullptr) return status;
  return copy_out(*session, p.norms, norms.data(), contiguous(p.count * number));
}

Status run_assign(Session* session, const Assign* problem, const Watch* watch) noexcept {
  const Assign& p = *problem;
  if (p.count == 0 || p.centroids == 0) return Status::ok;
  const Routine routine(*session, watch);
  DeviceBuffer<float> centroids;
  DeviceBuffer<std::int32_t> nearest;
  DeviceBuffer<double> distance;
  RowStream rows;
  Status status = centroids.open(*session, p.centroids * p.length);
  if (status == Status::ok) status = nearest.open(*session, p.count);
  if (status == Status::ok) status = distance.open(*session, p.count);
  if (status == Status::ok) status = rows.open(*session, p.count, p.length * sizeof(float), 1);
  if (status == Status::ok) {
    status = copy_in(*session, centroids.data(), p.c, contiguous(p.centroids * p.length * sizeof(float)));
  }
  if (status != Status::ok) return status;
  status = rows.run(p.x, routine, [&](const void* block, std::size_t first, std::size_t count) {
    const Assign part{count,
                      p.length,
                      p.centroids,
                      static_cast<const float*>(block),
                      centroids.data(),
                      nearest.data() + first,
                      distance.data() + first};
    return assign(session, &part);
  });
  if (status == Status::ok) {
    status = copy_out(*session, p.nearest, nearest.data(), contiguous(p.count * sizeof(std::int32_t)));
  }
  if (status == Status::ok) {
    status = copy_out(*session, p.distance, distance.data(), contiguous(p.count * sizeof(double)));
  }
  return status;
}

}  // namespace gradsift::cuda
