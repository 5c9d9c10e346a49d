"""The Python side of bench/engine.ts: reads one name per line and answers with one figure in its unit."""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def timed(repeats, function):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def matmul(size):
    a, b = torch.ones(size, size), torch.ones(size, size)
    return lambda: torch.matmul(a, b)


def training():
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    images, labels = torch.randn(64, 3, 32, 32), torch.arange(64) % 10

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()

    return step


def layer(kind, channels, side):
    planes = torch.randn(32, channels, side, side, requires_grad=True)
    residual = torch.randn(32, channels, side, side)
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    norm = nn.BatchNorm2d(channels)

    def passes():
        planes.grad = None
        output = conv(planes) if kind == "convolution" else F.relu(norm(planes).add_(residual), inplace=True)
        output.sum().backward()

    return passes


torch.set_num_threads(int(sys.argv[1]))
a, b = torch.ones(4), torch.ones(4)
work = {
    "add": (20_000, 1e6, lambda: torch.add(a, b)),
    "matmul64": (2_000, 1e6, matmul(64)),
    "matmul256": (100, 1e6, matmul(256)),
    "step": (20, 1e3, training()),
}
for channels, side in [(64, 64), (128, 32), (512, 8)]:
    for kind in ["convolution", "norm"]:
        work[f"{kind}{channels}"] = (5, 1e3, layer(kind, channels, side))
for line in sys.stdin:
    repeats, unit, function = work[line.strip()]
    print(timed(repeats, function) * unit, flush=True)
