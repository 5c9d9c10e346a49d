"""Every layer of nn in one network: names, outputs in both modes, gradients and running statistics."""
import sys

import torch
from torch import nn

from golden import Goldens


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.grouped = nn.Sequential(nn.Conv2d(6, 4, 3, groups=2), nn.GroupNorm(2, 4), nn.ReLU())
        self.skip = nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d((2, 1))
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(8, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 3)
        )

    def forward(self, x):
        return self.head(self.pool(self.skip(self.grouped(self.stem(x)))))


torch.manual_seed(11)
net = Net()
with torch.no_grad():
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            tensor.normal_(std=0.5)
inputs = torch.randn(7, 3, 21, 18)
projection = torch.randn(7, 3)
with Goldens(sys.argv[1]) as goldens:
    goldens.add("input", inputs)
    goldens.add("projection", projection)
    goldens.add_all("state/", net.state_dict().items())
    goldens.add("eval", net.eval()(inputs))
    output = net.train()(inputs)
    goldens.add("train", output)
    (output * projection).sum().backward()
    goldens.add_all("gradient/", ((name, p.grad) for name, p in net.named_parameters()))
    goldens.add_all("after/", net.state_dict().items())
