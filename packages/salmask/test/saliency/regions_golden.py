"""The saliency of regions, computed with NumPy from the formulas of Zhu et al. 2014 and Yang et al. 2013.

usage: regions_golden.py < REGIONS

REGIONS is JSON: {"colours": [[L, a, b]], "places": [[y, x]], "neighbours": [[region]], "sides": [[region]],
"foreground": [weight], "background": [weight]}. Prints JSON: {"probability", "detected", "ranked", "smooth": [N]}.
"""

import json
import sys

import numpy as np

given = json.load(sys.stdin)
colours, places = np.array(given["colours"]), np.array(given["places"])
n = len(colours)
sides = given["sides"]
border = sorted({region for side in sides for region in side})


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def unit(values):
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else np.zeros_like(values)


def otsu(values):
    """The least value of the upper part with the largest variance between the parts."""
    levels = np.unique(values)[1:]
    variance = [(values < t).sum() * (values >= t).sum() * (values[values >= t].mean() - values[values < t].mean()) ** 2 for t in levels]
    return levels[int(np.argmax(variance))] if len(levels) else values[0]


colour = distances(colours)
touch = np.zeros((n, n), bool)
for i, around in enumerate(given["neighbours"]):
    touch[i, around] = True
on_border = np.zeros(n)
on_border[border] = 1
both_on_border = np.outer(on_border, on_border) > 0

# Boundary connectivity.
usual = np.mean([min(colour[i, j] for j in around) for i, around in enumerate(given["neighbours"])])
path = np.where(touch | both_on_border, np.maximum(0, colour - usual), np.inf)
np.fill_diagonal(path, 0)
for k in range(n):
    path = np.minimum(path, path[:, k : k + 1] + path[k : k + 1])
near = np.exp(-(path**2) / (2 * 10**2))
connectivity = (near @ on_border) / np.sqrt(near.sum(1))
probability = 1 - np.exp(-(connectivity**2) / 2)

contrast = unit((colour * np.exp(-(distances(places) ** 2) / (2 * 0.25**2))) @ probability)
contrast[contrast < otsu(contrast)] = 0

wide = (touch | (touch.astype(int) @ touch.astype(int) > 0) | both_on_border) & ~np.eye(n, dtype=bool)


def smooth(foreground, background):
    w = np.where(wide, np.exp(-(colour**2) / (2 * 10**2)) + 0.1, 0)
    return np.linalg.solve(np.diag(w.sum(1) + foreground + background) - w, foreground)


def rank(queries):
    w = np.where(wide, np.exp(-10 * colour / colour[wide].max()), 0)
    inverse = np.linalg.inv(np.diag(w.sum(1)) - 0.99 * w)
    np.fill_diagonal(inverse, 0)
    return unit(inverse @ queries)


unlike = np.ones(n)
for side in sides:
    queries = np.zeros(n)
    queries[side] = 1
    unlike *= 1 - rank(queries)
ranked = rank((unlike >= unlike.mean()).astype(float))

answer = {
    "probability": probability,
    "detected": unit(smooth(contrast, probability)),
    "ranked": ranked,
    "smooth": smooth(np.array(given["foreground"]), np.array(given["background"])),
}
print(json.dumps({name: values.tolist() for name, values in answer.items()}))
