"""A torchvision ConvNeXt-T without its classifier's linear layer: one forward pass, one backward pass."""
import sys

import torch
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from golden import Goldens

folder, stem, width, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(width)
stages = [CNBlockConfig(width * 2**i, width * 2 ** (i + 1) if i < 3 else None, n) for i, n in enumerate([3, 3, 9, 3])]
net = ConvNeXt(stages, stochastic_depth_prob=0.0)
net.classifier[2] = nn.Identity()
if stem == "small":
    net.features[0][0] = nn.Conv2d(3, width, 1)
with torch.no_grad():
    for name, parameter in net.named_parameters():
        # With the first layer scale, 1e-6, no block could be told from another.
        if name.endswith("layer_scale"):
            parameter.uniform_(0.1, 0.3)
        elif parameter.ndim == 1:
            parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2))
        else:
            parameter.normal_(std=(1 / parameter[0].numel()) ** 0.5)
inputs = torch.randn(3, 3, size, size)
maps = []
net.features.register_forward_hook(lambda _, __, output: maps.append(output))
with Goldens(folder) as goldens:
    goldens.add("input", inputs)
    goldens.add_all("state/", net.state_dict().items())
    output = net.train()(inputs)
    goldens.add("features", maps[-1])
    projection = torch.randn_like(output) / output.shape[1] ** 0.5
    goldens.add("projection", projection)
    goldens.add("output", output)
    (output * projection).sum().backward()
    goldens.add_all("gradient/", ((name, p.grad) for name, p in net.named_parameters()))
