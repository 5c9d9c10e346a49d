"""Barlow Twins' step (Zbontar et al. 2021) with PyTorch alone.

Where nothing is masked it is the paper's: one loss of both views, with gradients through both.
"""
import torch
from torch import nn

from host_step import Projected, head, loaded, main, mirrored


def loss_of(one, other, redundancy):
    norm = nn.BatchNorm1d(one.shape[1], affine=False).to(one.dtype)
    correlation = norm(one).T @ norm(other) / len(one)
    diagonal = torch.diagonal(correlation)
    others = correlation[~torch.eye(len(correlation), dtype=torch.bool)]
    return ((1 - diagonal) ** 2).sum() + redundancy * (others**2).sum()


def step(config, _, state, given):
    method, features = config["method"], 8 * config["model"]["width"]
    projector = head([features, method["hidden"], method["hidden"], method["dim"]], "none")
    projector[-1] = nn.Linear(method["hidden"], method["dim"], bias=False)
    encoder = loaded(Projected(config, projector), state)
    sources, targets = mirrored(config, given)
    batch = len(sources[0])
    embedded = encoder(torch.cat(sources))
    redundancy = method["redundancy"]
    if config["mask"]["fill"] == "none" or config["mask"]["branch"] == "both":
        return loss_of(embedded[:batch], embedded[batch:], redundancy), encoder
    with torch.no_grad():
        fixed = encoder(torch.cat(targets))
    one = loss_of(embedded[:batch], fixed[:batch], redundancy)
    other = loss_of(embedded[batch:], fixed[batch:], redundancy)
    # Their gradients are added, their values averaged.
    return one + other - (one + other).detach() / 2, encoder


main(step)
