"""The measures of salient object detection, written with NumPy from the papers' formulas, for the tests.

usage: measures_golden.py CASES

Reads CASES, JSON: [{"width": W, "map": [...], "mask": [...], "found": [...]}, ...]. Prints a JSON list of {"mae",
"maxF", "s", "iou"}; maxF is the largest value of the map's own curve.
"""

import json
import sys

import numpy as np

EPS = np.finfo(np.float64).eps


def f_curve(pred, mask):
    levels = np.floor(255 * pred + 0.5)
    scores = []
    for t in range(256):
        found = levels >= t
        hit = np.logical_and(found, mask).sum()
        if hit == 0:
            scores.append(0.0)
            continue
        precision, recall = hit / found.sum(), hit / mask.sum()
        scores.append(1.3 * precision * recall / (0.3 * precision + recall))
    return scores


def score_object(x):
    if x.size == 0:
        return 0.0
    spread = x.std(ddof=1) if x.size > 1 else 0.0
    return 2 * x.mean() / (x.mean() ** 2 + 1 + spread + EPS)


def ssim(x, y):
    if x.size == 0:
        return 0.0
    n = x.size - 1 + EPS
    dx, dy = x - x.mean(), y - y.mean()
    alpha = 4 * x.mean() * y.mean() * (dx * dy).sum() / n
    beta = (x.mean() ** 2 + y.mean() ** 2) * ((dx**2).sum() / n + (dy**2).sum() / n)
    if alpha != 0:
        return alpha / (beta + EPS)
    return 1.0 if beta == 0 else 0.0


def s_measure(pred, mask):
    share = mask.mean()
    if share == 0:
        return 1 - pred.mean()
    if share == 1:
        return pred.mean()
    by_object = share * score_object(pred[mask]) + (1 - share) * score_object(1 - pred[~mask])
    rows, cols = np.nonzero(mask)
    y, x = int(np.floor(rows.mean() + 0.5)) + 1, int(np.floor(cols.mean() + 0.5)) + 1
    truth = mask.astype(np.float64)
    by_region = sum(
        ssim(pred[part], truth[part]) * truth[part].size / truth.size
        for part in [np.s_[:y, :x], np.s_[:y, x:], np.s_[y:, :x], np.s_[y:, x:]]
    )
    return max(0.0, 0.5 * by_object + 0.5 * by_region)


answers = []
for case in json.load(open(sys.argv[1])):
    shape = (-1, case["width"])
    pred = np.array(case["map"], dtype=np.float64).reshape(shape)
    mask = np.array(case["mask"], dtype=bool).reshape(shape)
    found = np.array(case["found"], dtype=bool).reshape(shape)
    union = np.logical_or(found, mask).sum()
    answers.append(
        {
            "mae": float(np.abs(pred - mask).mean()),
            "maxF": float(max(f_curve(pred, mask))),
            "s": float(s_measure(pred, mask)),
            "iou": 1.0 if union == 0 else float(np.logical_and(found, mask).sum() / union),
        }
    )
print(json.dumps(answers))
