"""The layers of a transformer's block in a row, with and without tokens that none attends to."""
import sys

import torch
from torch import nn

from golden import Goldens


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(12, eps=1e-3)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(12, 20), nn.GELU(), nn.Linear(20, 12))

    def forward(self, x, mask=None):
        y = self.norm(x)
        y, self.weights = self.attention(y, y, y, key_padding_mask=mask, average_attn_weights=False)
        return self.mlp(x + y)


torch.manual_seed(4)
block = Block()
with torch.no_grad():
    for parameter in block.parameters():
        parameter.normal_(std=0.5)
inputs = torch.randn(5, 7, 12)
mask = torch.rand(5, 7) < 0.4
mask[:, 0] = False
projection = torch.randn(5, 7, 12)
with Goldens(sys.argv[1]) as goldens:
    goldens.add("input", inputs)
    goldens.add("mask", mask)
    goldens.add("projection", projection)
    goldens.add_all("state/", block.state_dict().items())
    for name, tokens in [("plain", None), ("masked", mask)]:
        block.zero_grad()
        output = block(inputs, tokens)
        goldens.add(f"{name}/output", output)
        goldens.add(f"{name}/weights", block.weights)
        (output * projection).sum().backward()
        goldens.add_all(f"{name}/gradient/", ((key, p.grad) for key, p in block.named_parameters()))
