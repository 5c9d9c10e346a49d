"""BYOL's step (Grill et al. 2020) with PyTorch alone."""
import torch
from torch.nn import functional as F

from host_step import Online, Projected, head, loaded, main, mirrored, part, repelled


def step(config, _, state, given):
    method, features = config["method"], 8 * config["model"]["width"]
    dim, hidden = method["dim"], method["hidden"]
    predictor = head([dim, method["predictorHidden"], dim], "none")
    online = Online(Projected(config, head([features, hidden, dim], "none")), predictor)
    online = loaded(online, part(state, "online."))
    target = loaded(Projected(config, head([features, hidden, dim], "none")), part(state, "target."))
    sources, targets = mirrored(config, given)
    batch = len(sources[0])
    shown = targets + ([given["negatives"]] if "negatives" in given else [])
    with torch.no_grad():
        embedded = F.normalize(target(torch.cat(shown)), dim=1)
    predictions = online(torch.cat(sources))
    one, other = predictions.split(batch)
    loss = ((one - embedded[:batch]) ** 2).sum(1).mean() + ((other - embedded[batch : 2 * batch]) ** 2).sum(1).mean()
    if "negatives" in given:
        loss = loss + repelled(config, predictions, embedded[2 * batch :], given["valid"])
    return loss, online


main(step)
