"""SwAV's step (Caron et al. 2020) with PyTorch alone."""
import torch
from torch import nn
from torch.nn import functional as F

from host_step import Projected, by_size, head, loaded, main, mirrored, part, swapped


class Network(nn.Module):
    def __init__(self, encoder, dim, prototypes):
        super().__init__()
        self.encoder = encoder
        self.prototypes = nn.Linear(dim, prototypes, bias=False)

    def embed(self, crops):
        features = torch.cat([self.encoder.backbone(some) for some in crops])
        return F.normalize(self.encoder.projector(features), dim=1)


def codes(scores, epsilon, iterations):
    q = torch.exp(scores / epsilon).t()
    prototypes, batch = q.shape
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(dim=1, keepdim=True) / prototypes
        q = q / q.sum(dim=0, keepdim=True) / batch
    return (q * batch).t()


def step(config, progress, state, given):
    method, features = config["method"], 8 * config["model"]["width"]
    projector = head([features, method["hidden"], method["dim"]], "none")
    network = loaded(Network(Projected(config, projector), method["dim"], method["prototypes"]), part(state, "network."))
    with torch.no_grad():
        network.prototypes.weight.copy_(F.normalize(network.prototypes.weight, dim=1))
    network.prototypes.weight.requires_grad_(progress["epoch"] >= method["frozenEpochs"])
    sources, (second, first) = mirrored(config, given)
    batch = len(first)
    with torch.no_grad():
        scores = network.prototypes(network.embed([torch.cat([first, second])])).split(batch)
        targets = [codes(some, method["epsilon"], method["sinkhornIterations"]) for some in scores]
    logits = network.prototypes(network.embed(by_size(config, sources, given)))
    return swapped(targets, (logits / method["temperature"]).split(batch)), network


main(step)
