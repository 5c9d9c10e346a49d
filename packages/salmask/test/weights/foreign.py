"""Writes checkpoints of a small ResNet as torchvision and MoCo write them; prints what their networks give for one input."""

import json
import os
import sys

import torch
from small_resnet import Backbone

folder = sys.argv[1]
at = lambda name: os.path.join(folder, name)


def network(seed):
    torch.manual_seed(seed)
    made = Backbone(8)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return made.eval()


query, key = network(1), network(2)
plain = {**query.state_dict(), "fc.weight": torch.zeros(5, 64), "fc.bias": torch.zeros(5)}
torch.save(plain, at("plain.pth"), _use_new_zipfile_serialization=False)
torch.save({name: t.half() if t.is_floating_point() else t for name, t in plain.items()}, at("half.pth"))
del plain["layer3.1.bn2.weight"]
torch.save(plain, at("missing.pth"))
moco = {}
for name, each in ("encoder_k", key), ("encoder_q", query):
    moco.update({f"module.{name}.{k}": t for k, t in each.state_dict().items()})
    moco.update({f"module.{name}.fc.0.weight": torch.zeros(64, 64), f"module.{name}.fc.2.weight": torch.zeros(8, 64)})
moco["module.queue"] = torch.zeros(8, 16)
moco["module.queue_ptr"] = torch.zeros(1, dtype=torch.long)
torch.save({"epoch": 200, "arch": "resnet18", "state_dict": moco, "optimizer": {"state": {}}}, at("moco.pth.tar"))

pictures = torch.sin(torch.arange(2 * 3 * 16 * 16).float()).reshape(2, 3, 16, 16)
with torch.no_grad():
    print(json.dumps({name: net(pictures).flatten().tolist() for name, net in (("query", query), ("key", key))}))
