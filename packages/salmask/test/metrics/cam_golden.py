"""Grad-CAM by PyTorch's autograd, and linear CKA by NumPy from its definition with centring matrices."""
import sys

import numpy as np
import torch

from golden import Goldens

torch.manual_seed(3)
batch, channels, classes, height, width, side = 3, 5, 4, 4, 3, 12
maps = torch.randn(batch, channels, height, width).abs().requires_grad_()
weight, bias = torch.randn(channels, classes), torch.randn(classes)
mean, spread = torch.randn(channels), torch.rand(channels) + 0.5
labels = torch.tensor([2, 0, 3])

standard = (maps.mean((2, 3)) - mean) / spread
scores = standard @ weight + bias
scores[torch.arange(batch), labels].sum().backward()
alpha = maps.grad.mean((2, 3), keepdim=True)
cams = torch.relu((alpha * maps).sum(1))
large = torch.nn.functional.interpolate(cams[:, None], size=(side, side), mode="bilinear", align_corners=False)[:, 0]
masks = (torch.rand(batch, side, side) > 0.6).float()
energy = torch.stack([(cam * mask).sum() / cam.sum() for cam, mask in zip(large.detach(), masks)])
hits = torch.stack([mask.flatten()[cam.argmax()] for cam, mask in zip(large.detach(), masks)])

rng = np.random.default_rng(5)
x = rng.normal(size=(20, 6))
y = np.tanh(x[:, :4]) + 0.5 * rng.normal(size=(20, 4))
centring = np.eye(20) - np.full((20, 20), 1 / 20)


def hsic(a, b):
    return np.trace(a @ a.T @ centring @ b @ b.T @ centring)


cka = hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))

with Goldens(sys.argv[1]) as goldens:
    for name, tensor in [
        ("maps", maps), ("weight", weight), ("bias", bias), ("mean", mean), ("spread", spread), ("cams", cams),
        ("large", large), ("masks", masks), ("energy", energy), ("hits", hits), ("area", masks.mean((1, 2))),
        ("x", torch.from_numpy(x)), ("y", torch.from_numpy(y)), ("cka", torch.tensor([cka])),
    ]:
        goldens.add(name, tensor)
