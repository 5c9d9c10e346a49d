"""MoCo v3's step (Chen, Xie and He 2021, algorithm 1) with PyTorch alone, for ConvNets."""
import torch
from torch import nn
from torch.nn import functional as F

from host_step import Online, Projected, head, loaded, main, mirrored, part


def networks(config, state):
    method, features = config["method"], 8 * config["model"]["width"]
    dim, hidden, middle = method["dim"], method["hidden"], method["predictorHidden"]
    predictor = head([dim, middle, dim], "none")
    predictor[-1] = nn.Linear(middle, dim, bias=False)
    online = Online(Projected(config, head([features, hidden, dim], "plain")), predictor)
    target = Projected(config, head([features, hidden, dim], "plain"))
    return loaded(online, part(state, "online.")), loaded(target, part(state, "target."))


def contrasted(config, query, key, hard, valid):
    """One query after the other, with its own hard negatives alone."""
    tau, rho = config["method"]["temperature"], config["mask"]["negative"]["weight"]
    losses = []
    for i in range(len(query)):
        logits = [key @ query[i]]
        for row in range(i, len(hard), len(query)):
            if valid[row]:
                logits.append(rho * (hard[row] @ query[i]).reshape(1))
        losses.append(F.cross_entropy(torch.cat(logits)[None] / tau, torch.tensor([i])))
    return 2 * tau * torch.stack(losses).mean()


def step(config, _, state, given):
    online, target = networks(config, state)
    sources, targets = mirrored(config, given)
    batch = len(sources[0])
    shown = targets + ([given["negatives"]] if "negatives" in given else [])
    with torch.no_grad():
        embedded = F.normalize(target(torch.cat(shown)), dim=1)
    hard, valid = embedded[2 * batch :], given.get("valid", ())
    one, other = online(torch.cat(sources)).split(batch)
    loss = contrasted(config, one, embedded[:batch], hard, valid)
    return loss + contrasted(config, other, embedded[batch : 2 * batch], hard[:0], valid), online


main(step)
