"""Three steps of each optimiser on a small conv net, and the learning rates of two schedules."""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from golden import Goldens


class Lars:
    """You et al. 2017 as a plain formula, without scaling or weight decay for parameters of one dimension."""

    def __init__(self, params, lr, momentum, weight_decay, trust_coefficient, eps=1e-8):
        params = list(params)
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        self.param_groups = [{**defaults, **group} for group in groups]
        self.buffers = {}
        self.trust_coefficient, self.eps = trust_coefficient, eps

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.update(p, group)

    def update(self, p, group):
        d = p.grad.double()
        if p.dim() > 1:
            d = d + group["weight_decay"] * p.double()
            w, g = p.double().pow(2).sum().sqrt().item(), d.pow(2).sum().sqrt().item()
            if w > 0 and g > 0:
                d = d * (self.trust_coefficient * w / (g + self.eps))
        self.buffers[p] = group["momentum"] * self.buffers.get(p, torch.zeros_like(p)) + d
        p.copy_(p.double() - group["lr"] * self.buffers[p])


def net():
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(8, 5),
    )


optimizers = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2, nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=3e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
    "lars": lambda p: Lars(p, lr=0.5, momentum=0.9, weight_decay=1e-2, trust_coefficient=0.02),
}


def in_groups(params, **of_vectors):
    """Groups: matrices with the optimiser's settings, vectors (biases, norms) with their own."""
    params = list(params)
    matrices, vectors = [p for p in params if p.dim() > 1], [p for p in params if p.dim() <= 1]
    return [{"params": matrices}, {"params": vectors, **of_vectors}]


# AdamW's momentum is the first of its betas, as in torch.optim.lr_scheduler.OneCycleLR.
grouped = {
    "sgd": lambda p: torch.optim.SGD(
        in_groups(p, lr=0.02, momentum=0.5, weight_decay=0), lr=0.05, momentum=0.9, weight_decay=1e-2
    ),
    "adamw": lambda p: torch.optim.AdamW(
        in_groups(p, lr=1e-3, betas=(0.5, 0.99), weight_decay=0), lr=3e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1
    ),
    "lars": lambda p: Lars(
        in_groups(p, lr=0.1, momentum=0.5, weight_decay=0),
        lr=0.5, momentum=0.9, weight_decay=1e-2, trust_coefficient=0.02,
    ),
}


def schedule_groups(optimizer, step):
    """Changes the settings of groups as a trainer does between steps."""
    matrices, vectors = optimizer.param_groups
    matrices["lr"] *= 1 - 0.2 * step
    matrices["weight_decay"] *= 1 + step
    momentum = 0.5 + 0.1 * step
    if "betas" in vectors:
        vectors["betas"] = (momentum, vectors["betas"][1])
    else:
        vectors["momentum"] = momentum


def rates(schedule, **options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = schedule(optimizer, **options)
    values = []
    for _ in range(21):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return torch.tensor(values)


with Goldens(sys.argv[1]) as goldens:
    torch.manual_seed(1)
    inputs, targets = torch.randn(3, 6, 3, 12, 12), torch.randint(5, (3, 6))
    goldens.add("inputs", inputs)
    goldens.add("targets", targets)
    goldens.add_all("initial/", net().state_dict().items())
    for name, make in optimizers.items():
        model = net()
        optimizer = make(model.parameters())
        for step in range(3):
            model.zero_grad()
            loss = F.cross_entropy(model(inputs[step]), targets[step])
            loss.backward()
            optimizer.step()
            goldens.add(f"{name}/loss/{step}", loss)
            goldens.add_all(f"{name}/step{step}/", model.named_parameters())
    for name, make in grouped.items():
        model = net()
        optimizer = make(model.parameters())
        for step in range(3):
            model.zero_grad()
            F.cross_entropy(model(inputs[step]), targets[step]).backward()
            schedule_groups(optimizer, step)
            optimizer.step()
            goldens.add_all(f"grouped-{name}/step{step}/", model.named_parameters())
    goldens.add("cosine", rates(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=20))
    goldens.add("multi-step", rates(torch.optim.lr_scheduler.MultiStepLR, milestones=[6, 15], gamma=0.2))
