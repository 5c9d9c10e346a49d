"""The saliency of regions, computed with NumPy from the formulas of Zhu et al. 2014, Yang et al. 2013 and Qin et al. 2015.

usage: regions_golden.py < REGIONS

REGIONS is JSON: {"looks": [[value]], "areas": [pixels], "places": [[y, x]], "neighbours": [[region]], "sides": [[region]],
"foreground": [weight], "background": [weight]}. Prints JSON: {"probability", "detected", "ranked", "automaton", "smooth",
"refined": [N]}.
"""

import json
import sys

import numpy as np

given = json.load(sys.stdin)
looks, places = np.array(given["looks"]), np.array(given["places"])
n = len(looks)
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


difference = distances(looks)
touch = np.zeros((n, n), bool)
for i, around in enumerate(given["neighbours"]):
    touch[i, around] = True
on_border = np.zeros(n)
on_border[border] = 1
both_on_border = np.outer(on_border, on_border) > 0

# Boundary connectivity.
usual = np.mean([min(difference[i, j] for j in around) for i, around in enumerate(given["neighbours"])])
path = np.where(touch | both_on_border, np.maximum(0, difference - usual), np.inf)
np.fill_diagonal(path, 0)
for k in range(n):
    path = np.minimum(path, path[:, k : k + 1] + path[k : k + 1])
near = np.exp(-(path**2) / (2 * 10**2))
connectivity = (near @ on_border) / np.sqrt(near.sum(1))
probability = 1 - np.exp(-(connectivity**2) / 2)

contrast = unit((difference * np.exp(-(distances(places) ** 2) / (2 * 0.25**2))) @ probability)
contrast[contrast < otsu(contrast)] = 0

wide = (touch | (touch.astype(int) @ touch.astype(int) > 0) | both_on_border) & ~np.eye(n, dtype=bool)


def smooth(foreground, background):
    w = np.where(wide, np.exp(-(difference**2) / (2 * 10**2)) + 0.1, 0)
    return np.linalg.solve(np.diag(w.sum(1) + foreground + background) - w, foreground)


def rank(queries):
    w = np.where(wide, np.exp(-10 * difference / difference[wide].max()), 0)
    inverse = np.linalg.inv(np.diag(w.sum(1)) - 0.99 * w)
    np.fill_diagonal(inverse, 0)
    return unit(inverse @ queries)


unlike = np.ones(n)
for side in sides:
    queries = np.zeros(n)
    queries[side] = 1
    unlike *= 1 - rank(queries)
ranked = rank((unlike >= unlike.mean()).astype(float))

# The cellular automaton, from groups of the border's looks.
centres = looks[[list(dict.fromkeys(r for side in sides for r in side))[int((k + 0.5) * len(border) / 3)] for k in range(3)]]
for _ in range(15):
    group = np.linalg.norm(looks[border][:, None] - centres[None], axis=2).argmin(1)
    centres = np.array([looks[border][group == k].mean(0) for k in range(len(centres)) if (group == k).any()])
start = np.zeros(n)
for k in set(group):
    part = np.array(border)[group == k]
    contrast_to = (1 / (np.exp(-difference[:, part] / difference.max() / (2 * 0.2**2)) + 10)).mean(1)
    weight = np.exp(-(distances(places)[:, part] ** 2) / (2 * 1.3**2)).mean(1)
    start += unit(contrast_to) * unit(weight)
influence = np.where(wide, np.exp(-10 * difference / difference[wide].max()), 0)
kept = 0.6 * unit(1 / influence.max(1)) + 0.2
influence /= influence.sum(1, keepdims=True)
automaton = unit(start)
for _ in range(20):
    automaton = unit(kept * automaton + (1 - kept) * (influence @ automaton))

weights = np.array(given["areas"]) * np.exp(-(difference**2) / (2 * 5**2) - distances(places) ** 2 / (2 * 0.2**2))
refined = 1 / (1 + np.exp(-10 * (weights @ given["foreground"] / weights.sum(1) - 0.5)))

answer = {
    "probability": probability,
    "detected": unit(smooth(contrast, probability)),
    "ranked": ranked,
    "automaton": automaton,
    "refined": refined,
    "smooth": smooth(np.array(given["foreground"]), np.array(given["background"])),
}
print(json.dumps({name: values.tolist() for name, values in answer.items()}))
