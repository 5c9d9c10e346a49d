"""SimSiam's step (Chen and He 2021) with PyTorch alone."""
import torch
from torch.nn import functional as F

from host_step import Online, Projected, head, loaded, main, mirrored, repelled


def step(config, _, state, given):
    method, features = config["method"], 8 * config["model"]["width"]
    dim, hidden = method["dim"], method["hidden"]
    encoder = Projected(config, head([features, hidden, hidden, dim], "plain"))
    online = loaded(Online(encoder, head([dim, method["predictorHidden"], dim], "none")), state)
    sources, targets = mirrored(config, given)
    batch = len(sources[0])
    shown = targets + ([given["negatives"]] if "negatives" in given else [])
    with torch.no_grad():
        embedded = F.normalize(online.encoder(torch.cat(shown)), dim=1)
    predictions = online(torch.cat(sources))
    one, other = predictions.split(batch)
    toward = lambda some, target: -F.cosine_similarity(some, target, dim=1).mean()  # noqa: E731
    loss = toward(one, embedded[:batch]) / 2 + toward(other, embedded[batch : 2 * batch]) / 2
    if "negatives" in given:
        loss = loss + repelled(config, predictions, embedded[2 * batch :], given["valid"])
    return loss, online


main(step)
