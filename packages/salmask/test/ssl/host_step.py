"""The part of the steps of host_step that all methods share: PyTorch's side of host-step.ts.

A method's script defines a function step(config, progress, state, given) that returns its loss and a network whose parameters
have the names of ours, and calls main(step).
"""
import copy
import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from golden import Goldens

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from small_resnet import backbone, exactly, least_distance, part, read, remember_activations  # noqa: E402


def head(widths, last):
    """Linear layers with batch norm and ReLU between them; last: affine, plain, or none."""
    layers = []
    for i, (inner, outer) in enumerate(zip(widths, widths[1:])):
        is_last = i == len(widths) - 2
        normalised = not is_last or last != "none"
        layers.append(nn.Linear(inner, outer, bias=not normalised))
        if normalised:
            layers.append(nn.BatchNorm1d(outer, affine=not is_last or last == "affine"))
        if not is_last:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Projected(nn.Module):
    """A backbone and a projector; out come the projector's outputs."""

    def __init__(self, config, projector):
        super().__init__()
        self.backbone = copy.deepcopy(backbone(config["model"]["width"]))
        self.projector = projector

    def forward(self, pictures):
        return self.projector(self.backbone(pictures))


class Online(nn.Module):
    """An encoder and a predictor."""

    def __init__(self, encoder, predictor):
        super().__init__()
        self.encoder = encoder
        self.predictor = predictor

    def forward(self, pictures):
        return F.normalize(self.predictor(self.encoder(pictures)), dim=1)


def loaded(network, state):
    network = network.to(next(iter(state.values())).dtype)
    network.load_state_dict(state)
    network.activations = remember_activations(network)
    return network


def mirrored(config, given):
    """Sources and targets [B, 3, H, W], two each, the targets in the order of the sources that are compared with them."""
    branch = config["mask"]["branch"]
    sources = [given[f"{'clean' if branch == 'key' else 'masked'}/{view}"] for view in (0, 1)]
    targets = [given[f"{'masked' if branch in ('key', 'both') else 'clean'}/{view}"] for view in (1, 0)]
    return sources, targets


def repelled(config, prediction, hard, valid):
    """Mean over photos and valid negatives, one at a time, of max(0, rho cos - margin), for the prediction of the first view."""
    rho, margin = config["mask"]["negative"]["weight"], config["method"]["repulsionMargin"]
    batch, terms = len(valid) // config["mask"]["negative"]["count"], []
    for row, counts in enumerate(valid.bool().tolist()):
        if counts:
            terms.append((rho * prediction[row % batch].dot(hard[row]) - margin).clamp(min=0))
    return config["method"]["repulsion"] * torch.stack(terms).mean()


def by_size(config, sources, given):
    """Large crops as sources, then small ones, each as one batch."""
    small = [given[f"clean/{2 + crop}"] for crop in range(config["method"]["localCrops"])]
    return [torch.cat(crops) for crops in (sources, small) if crops]


def swapped(targets, logits):
    """Cross-entropy of each target [B, K] with the logits of every other view, as SwAV and DINO add them up."""
    loss, terms = 0, 0
    for own, target in enumerate(targets):
        for view, values in enumerate(logits):
            if view != own:
                loss = loss - (target * F.log_softmax(values, dim=1)).sum(dim=1).mean()
                terms += 1
    return loss / terms


def run(step, tensors, settings):
    loss, network = step(settings["config"], settings["progress"], part(tensors, "state/"), tensors)
    return loss, network


def main(step):
    with Goldens(sys.argv[1]) as goldens:
        for folder in sorted(Path(sys.argv[2]).iterdir()):
            margins = []
            for path in sorted(folder.glob("*.safetensors"), key=lambda path: int(path.stem)):
                tensors, metadata = read(path)
                settings = json.loads(metadata["settings"])
                with torch.no_grad():
                    rough = run(step, tensors, settings)[1].activations
                    exact = run(step, exactly(tensors), settings)[1].activations
                margins.append(min(least_distance(e, r) for e, r in zip(exact, rough)))
            chosen = max(range(len(margins)), key=margins.__getitem__)
            tensors, _ = read(folder / f"{chosen}.safetensors")
            loss, network = run(step, exactly(tensors), settings)
            loss.backward()
            goldens.add(f"{folder.name}/batch", torch.tensor(chosen))
            goldens.add(f"{folder.name}/margin", torch.tensor(margins[chosen]))
            goldens.add(f"{folder.name}/result/loss", loss)
            named = ((name, p.grad) for name, p in network.named_parameters() if p.grad is not None)
            goldens.add_all(f"{folder.name}/result/gradient/", named)
