"""What PyTorch (cuBLAS, cuSOLVER) does with the problems of bench/cuda/main.cu on the same GPU; scripts/gpu-check
compares the two. One JSON line a measurement: medians of device events, random data."""

import json

try:
    import torch
except ImportError:
    raise SystemExit("peers: no PyTorch here")

if not torch.cuda.is_available():
    raise SystemExit("peers: PyTorch sees no GPU")

DEVICE = torch.device("cuda")
torch.manual_seed(1)


def milliseconds(work, repeats=20):
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        work()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def tell(name, value, unit):
    print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)


def products():
    torch.backends.cuda.matmul.allow_tf32 = False
    for n, dtype, name in [(4096, torch.float32, "sgemm"), (4096, torch.bfloat16, "bf16"),
                           (8192, torch.bfloat16, "bf16"), (4096, torch.float64, "dgemm")]:
        a, b = (torch.randn(n, n, device=DEVICE).to(dtype) for _ in range(2))
        out = torch.empty_like(a)
        tell(f"{name} n={n}", 2 * n**3 / milliseconds(lambda: torch.matmul(a, b, out=out)) * 1e-9, "TFLOP/s")
    a, b = (torch.randn(4096, 4096, device=DEVICE) for _ in range(2))
    exact = a[:16].double() @ b.double()
    error = ((a[:16] @ b).double() - exact).abs() / (a[:16].double().abs() @ b.double().abs())
    tell("sgemm error, share of |A||B|", error.max().item(), "")


def copies():
    source = torch.randn(1 << 28, device=DEVICE)
    target = torch.empty_like(source)
    tell("copy", 2 * source.numel() * 4 / milliseconds(lambda: target.copy_(source)) * 1e-6, "GB/s")
    host = torch.randn(1 << 26).pin_memory()
    device = torch.empty_like(host, device=DEVICE)
    pinned = milliseconds(lambda: device.copy_(host, non_blocking=True), 10)
    tell("pinned copy", host.numel() * 4 / pinned * 1e-6, "GB/s")


def systems(batch, n, rhs, kappa=1e3):
    """Random reflections of a log-spaced spectrum, as in bench/cuda/main.cu."""
    u = torch.randn(batch, n, 1, device=DEVICE, dtype=torch.float64)
    u /= u.norm(dim=1, keepdim=True)
    spectrum = torch.logspace(-torch.log10(torch.tensor(kappa)).item(), 0, n, device=DEVICE, dtype=torch.float64)
    reflect = torch.eye(n, device=DEVICE, dtype=torch.float64) - 2 * u @ u.transpose(1, 2)
    a = (reflect * spectrum) @ reflect
    return a.float(), torch.randn(batch, n, rhs, device=DEVICE)


def refined_cholesky(a, v, tolerance):
    """float32 factor, corrected by the float64 residual until it is at most the tolerance, as ours is."""
    a64, v64 = a.double(), v.double()

    def solve(passes):
        factor = torch.linalg.cholesky(a)
        x = torch.cholesky_solve(v, factor).double()
        for _ in range(passes):
            x += torch.cholesky_solve((v64 - a64 @ x).float(), factor).double()
        return x, (v64 - a64 @ x).norm() / v64.norm()

    passes = 0
    while solve(passes)[1] > tolerance and passes < 5:
        passes += 1
    return passes, lambda: solve(passes)


def solves():
    for n in (32, 64, 128):
        a, v = systems(4096, n, 16)
        passes, work = refined_cholesky(a, v, 1e-6)
        tell(f"cholesky d={n} x 4096", 4096 / milliseconds(work, 10), "1/ms")
        tell(f"cholesky d={n}: corrections", passes, "")
    a, v = systems(96, 1024, 16)

    def plain():
        return torch.cholesky_solve(v, torch.linalg.cholesky(a))

    def schulz(steps=30):
        x = torch.eye(1024, device=DEVICE).expand(96, -1, -1) / torch.linalg.matrix_norm(a)[:, None, None]
        for _ in range(steps):
            x = 2 * x - x @ (a @ x)
        return x @ v

    tell("cholesky d=1024 x 96", 96 / milliseconds(plain, 5), "1/ms")
    tell("textbook schulz d=1024 x 96", 96 / milliseconds(schulz, 3), "1/ms")


products()
copies()
solves()
print("peers: done")
