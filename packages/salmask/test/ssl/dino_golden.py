"""DINO's step (Caron et al. 2021) with PyTorch alone."""
import torch
from torch import nn
from torch.nn import functional as F

from host_step import Projected, by_size, loaded, main, mirrored, part, swapped


class LastLayer(nn.Module):
    """PyTorch's weight normalisation with a gain of one."""

    def __init__(self, inner, outer):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outer, inner))

    def forward(self, rows):
        gain = torch.ones(len(self.weight), 1, dtype=self.weight.dtype)
        return F.linear(rows, torch._weight_norm(self.weight, gain, 0))


class Network(nn.Module):
    def __init__(self, config):
        super().__init__()
        method = config["method"]
        hidden, dim = method["hidden"], method["dim"]
        layers = []
        for inner, outer in [(8 * config["model"]["width"], hidden), (hidden, hidden)]:
            norm = [nn.BatchNorm1d(outer)] if method["normInHead"] else []
            layers += [nn.Linear(inner, outer), *norm, nn.GELU()]
        head = nn.Sequential(*layers, nn.Linear(hidden, dim))
        self.encoder = Projected(config, head)
        self.prototypes = LastLayer(dim, method["prototypes"])

    def forward(self, crops):
        features = torch.cat([self.encoder.backbone(some) for some in crops])
        return self.prototypes(F.normalize(self.encoder.projector(features), dim=1))


def clipped(gradient, most):
    norm = gradient.norm()
    return gradient * (most / (norm + 1e-6)) if most / (norm + 1e-6) < 1 else gradient


def step(config, progress, state, given):
    method = config["method"]
    student = loaded(Network(config), part(state, "student."))
    teacher = loaded(Network(config), part(state, "teacher."))
    for parameter in student.parameters():
        parameter.register_hook(lambda gradient: clipped(gradient, method["clipGradient"]))
    student.prototypes.weight.requires_grad_(progress["epoch"] >= method["frozenEpochs"])
    sources, (second, first) = mirrored(config, given)
    warm = method["teacherWarmupEpochs"]
    temperatures = torch.linspace(method["teacherTemperatureStart"], method["teacherTemperature"], max(warm, 1)).tolist()
    temperature = temperatures[progress["epoch"]] if progress["epoch"] < warm else method["teacherTemperature"]
    with torch.no_grad():
        targets = F.softmax((teacher([torch.cat([first, second])]) - state["centre"]) / temperature, dim=1)
    outputs = student(by_size(config, sources, given)) / method["temperature"]
    return swapped(targets.chunk(2), outputs.split(len(first))), student


main(step)
