"""VICReg's step (Bardes et al. 2022, algorithm 1) with PyTorch alone.

Where nothing is masked it is the paper's: one loss of both views, with gradients through both.
"""
import torch
from torch import nn
from torch.nn import functional as F

from host_step import Projected, head, loaded, main, mirrored


def loss_of(one, other, weights):
    loss = weights["invariance"] * F.mse_loss(one, other)
    for z in (one, other):
        loss = loss + weights["variance"] * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()
        covariance = torch.cov(z.T)
        others = covariance[~torch.eye(len(covariance), dtype=torch.bool)]
        loss = loss + weights["covariance"] * (others**2).sum() / z.shape[1]
    return loss


def step(config, _, state, given):
    method, features = config["method"], 8 * config["model"]["width"]
    projector = head([features, method["hidden"], method["hidden"], method["dim"]], "none")
    projector[-1] = nn.Linear(method["hidden"], method["dim"], bias=False)
    encoder = loaded(Projected(config, projector), state)
    sources, targets = mirrored(config, given)
    batch = len(sources[0])
    embedded = encoder(torch.cat(sources))
    if config["mask"]["fill"] == "none" or config["mask"]["branch"] == "both":
        return loss_of(embedded[:batch], embedded[batch:], method), encoder
    with torch.no_grad():
        fixed = encoder(torch.cat(targets))
    one = loss_of(embedded[:batch], fixed[:batch], method)
    other = loss_of(embedded[batch:], fixed[batch:], method)
    # Their gradients are added, their values averaged.
    return one + other - (one + other).detach() / 2, encoder


main(step)
