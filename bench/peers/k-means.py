"""One EM pass of k-means by scikit-learn and by FAISS: the peers of bench/k-means.mjs.

usage: k-means.py THREADS      Answers each line "sklearn|faiss FILE LENGTH CLUSTERS" of its input with one JSON line: the
seconds of one pass over the float32 rows of FILE, which is read once; the first CLUSTERS rows are the centroids.
  sklearn  lloyd_iter_chunked_dense, the step of KMeans(algorithm="lloyd"), under the limit on BLAS that KMeans sets
  faiss    Kmeans.train with niter=1, all rows, these centroids
"""

import json
import sys
import time

import faiss
import numpy as np
from sklearn.cluster._k_means_lloyd import lloyd_iter_chunked_dense
from threadpoolctl import threadpool_limits


def with_sklearn(rows, centroids, threads):
    weights = np.ones(len(rows), np.float32)
    means, sizes = np.zeros_like(centroids), np.zeros(len(centroids), np.float32)
    labels, shift = np.full(len(rows), -1, np.int32), np.zeros(len(centroids), np.float32)
    start = time.perf_counter()
    with threadpool_limits(limits=1, user_api="blas"):
        lloyd_iter_chunked_dense(rows, weights, centroids, means, sizes, labels, shift, threads)
    return time.perf_counter() - start


def with_faiss(rows, centroids, threads):
    faiss.omp_set_num_threads(threads)
    start = time.perf_counter()
    model = faiss.Kmeans(rows.shape[1], len(centroids), niter=1, max_points_per_centroid=len(rows))
    model.train(rows, init_centroids=centroids)
    return time.perf_counter() - start


def main():
    threads = int(sys.argv[1])
    path, rows = None, None
    for line in sys.stdin:
        program, wanted, length, clusters = line.split()
        if wanted != path:
            path, rows = wanted, np.fromfile(wanted, np.float32).reshape(-1, int(length))
        centroids = rows[: int(clusters)].copy()
        run = {"sklearn": with_sklearn, "faiss": with_faiss}[program]
        print(json.dumps({"seconds": run(rows, centroids, threads)}), flush=True)


main()
