"""A torchvision ResNet without its classifier: one forward pass in each mode, one backward pass."""
import sys

import torch
import torchvision
from torch import nn

from golden import Goldens

folder, depth, stem, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
torch.manual_seed(int(depth))
net = getattr(torchvision.models, f"resnet{depth}")(weights=None)
net.fc = nn.Identity()
if stem == "small":
    net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
    net.maxpool = nn.Identity()
with torch.no_grad():
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Not 1 or 0, so that a test notices if two statistics or parameters are confused.
            module.weight.uniform_(0.5, 1.0)
            module.bias.uniform_(-0.2, 0.2)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.num_batches_tracked.fill_(7)
    for name, module in net.named_modules():
        if name.endswith("bn2" if depth in ("18", "34") else "bn3"):
            # Small residual branches keep the rounding errors of float32 small over fifty layers of batch statistics.
            module.weight.mul_(0.3)
inputs = torch.randn(4, 3, size, size)
maps = []
net.layer4.register_forward_hook(lambda _, __, output: maps.append(output))
with Goldens(folder) as goldens:
    goldens.add("input", inputs)
    goldens.add_all("state/", net.state_dict().items())
    with torch.no_grad():
        goldens.add("eval", net.eval()(inputs))
        goldens.add("features", maps[-1])
    output = net.train()(inputs)
    projection = torch.randn_like(output) / output.shape[1] ** 0.5
    goldens.add("projection", projection)
    goldens.add("train", output)
    (output * projection).sum().backward()
    goldens.add_all("gradient/", ((name, p.grad) for name, p in net.named_parameters()))
    goldens.add_all("after/", net.named_buffers())
