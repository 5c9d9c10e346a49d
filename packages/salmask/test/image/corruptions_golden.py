"""Corruptions by NumPy: contrast and blur from their definitions, frequencies by the full spectrum."""
import sys

import numpy as np
import torch

from golden import Goldens

height, width = 12, 14
pictures = np.random.default_rng(1).uniform(size=(2, 3, height, width))


def contrast(strength):
    mean = pictures.mean((2, 3), keepdims=True)
    return np.clip((pictures - mean) * strength + mean, 0, 1)


def blur(strength):
    sigma = strength * width / 224
    half = int(np.ceil(4 * sigma))
    line = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    line /= line.sum()
    padded = np.pad(pictures, ((0, 0), (0, 0), (half, half), (half, half)), mode="reflect")
    out = np.zeros_like(pictures)
    for i, a in enumerate(line):
        for j, b in enumerate(line):
            out += a * b * padded[:, :, i : i + height, j : j + width]
    return np.clip(out, 0, 1)


rows = np.fft.fftfreq(height)[:, None] / 0.5
columns = np.fft.fftfreq(width)[None, :] / 0.5
radius = np.sqrt(rows**2 + columns**2)


def frequencies(keep):
    return np.fft.ifft2(np.fft.fft2(pictures) * keep).real


with Goldens(sys.argv[1]) as goldens:
    for name, array in [
        ("pictures", pictures),
        ("contrast 0.3", contrast(0.3)),
        ("blur 4", blur(4)),
        ("blur 6", blur(6)),
        ("low 0.25", frequencies(radius <= 0.25)),
        ("low 0.5", frequencies(radius <= 0.5)),
        ("high 0.25", frequencies((radius > 0.25) | (radius == 0))),
    ]:
        goldens.add(name, torch.from_numpy(array))
