"""The Sinkhorn-Knopp algorithm as SwAV's paper and code write it (appendix A, `distributed_sinkhorn` on one process)."""
import sys

import numpy as np
import torch

from golden import Goldens


def codes(scores, epsilon, iterations):
    q = np.exp(scores.astype(np.float64) / epsilon).T
    prototypes, batch = q.shape
    q /= q.sum()
    for _ in range(iterations):
        q /= q.sum(axis=1, keepdims=True)
        q /= prototypes
        q /= q.sum(axis=0, keepdims=True)
        q /= batch
    return (q * batch).T


with Goldens(sys.argv[1]) as goldens:
    random = np.random.default_rng(0)
    for name, (shape, epsilon, iterations) in {
        "paper": ((64, 300), 0.05, 3),
        "fewer prototypes": ((64, 10), 0.05, 3),
        "one iteration": ((7, 5), 0.3, 1),
        "soft": ((9, 4), 1.0, 10),
    }.items():
        rows = random.normal(size=(shape[0], 16))
        columns = random.normal(size=(shape[1], 16))
        cosines = (rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ (
            columns / np.linalg.norm(columns, axis=1, keepdims=True)
        ).T
        scores = cosines.astype(np.float32)
        goldens.add(f"scores/{name}", torch.from_numpy(scores))
        goldens.add(f"options/{name}", torch.tensor([epsilon, float(iterations)]))
        goldens.add(f"codes/{name}", torch.from_numpy(codes(scores, np.float32(epsilon).astype(float), iterations)))
