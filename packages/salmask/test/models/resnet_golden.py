"""torchvision's ResNets without their classifiers: for each one forward pass in each mode, and one backward pass."""
import sys

import torch
from torch import nn

from golden import Goldens
from narrow_resnet import NarrowResNet


def add_case(goldens, depth, width, stem, size):
    case = f"{depth}-{stem}/"
    torch.manual_seed(depth)
    net = NarrowResNet(depth, width)
    if stem == "small":
        net.conv1 = nn.Conv2d(3, width, 3, stride=1, padding=1, bias=False)
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
            if name.endswith("bn2" if depth in (18, 34) else "bn3"):
                # Small residual branches keep the rounding errors of float32 small over fifty layers of batch statistics.
                module.weight.mul_(0.3)
    inputs = torch.randn(4, 3, size, size)
    maps = []
    net.layer4.register_forward_hook(lambda _, __, output: maps.append(output))
    goldens.add(case + "input", inputs)
    goldens.add_all(case + "state/", net.state_dict().items())
    with torch.no_grad():
        goldens.add(case + "eval", net.eval()(inputs))
        goldens.add(case + "features", maps[-1])
    output = net.train()(inputs)
    projection = torch.randn_like(output) / output.shape[1] ** 0.5
    goldens.add(case + "projection", projection)
    goldens.add(case + "train", output)
    (output * projection).sum().backward()
    goldens.add_all(case + "gradient/", ((name, p.grad) for name, p in net.named_parameters()))
    goldens.add_all(case + "after/", net.named_buffers())


with Goldens(sys.argv[1]) as goldens:
    for text in sys.argv[2:]:
        depth, width, stem, size = text.split(",")
        add_case(goldens, int(depth), int(width), stem, int(size))
