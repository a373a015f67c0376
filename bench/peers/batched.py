"""Batched products, solves and inverses of small matrices by PyTorch: the peer of bench/matmul-batched.mjs and
bench/cholesky-batched.mjs.

usage: batched.py THREADS      Answers each line "OPERATION DTYPE BATCH N RHS" of its input with one JSON line: the
seconds of one run. The matrices are made once for each line that differs from the last. Operations: bmm, solve
(cholesky and cholesky_solve), inv, cholesky_inverse.
"""

import json
import sys
import time

import torch


def prepare(operation, dtype, batch, n, rhs):
    kind = {"f32": torch.float32, "f64": torch.float64}[dtype]
    torch.manual_seed(1)
    x = torch.randn(batch, n, n, dtype=kind)
    y = torch.randn(batch, n, rhs, dtype=kind)
    if operation == "bmm":
        z = torch.randn(batch, n, n, dtype=kind)
        out = torch.empty(batch, n, n, dtype=kind)
        return lambda: torch.bmm(x, z, out=out)
    spd = x @ x.transpose(1, 2) / n + 0.004 * torch.eye(n, dtype=kind)
    if operation == "solve":
        return lambda: torch.cholesky_solve(y, torch.linalg.cholesky(spd))
    if operation == "inv":
        return lambda: torch.linalg.inv(spd)
    return lambda: torch.cholesky_inverse(torch.linalg.cholesky(spd))


def main():
    torch.set_num_threads(int(sys.argv[1]))
    last, run = None, None
    for line in sys.stdin:
        if line != last:
            operation, dtype, *sizes = line.split()
            last, run = line, prepare(operation, dtype, *map(int, sizes))
            run()
        start = time.perf_counter()
        run()
        print(json.dumps({"torch": torch.__version__, "seconds": time.perf_counter() - start}), flush=True)


main()
