"""A torchvision vision transformer without its classifier: forward and backward, attention, and pictures of another size."""
import sys

import torch
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from golden import Goldens

folder, width, heads, patch, size, other = sys.argv[1], *map(int, sys.argv[2:])
torch.manual_seed(width)


def transformer(side):
    net = VisionTransformer(side, patch, num_layers=12, num_heads=heads, hidden_dim=width, mlp_dim=4 * width)
    net.heads = nn.Identity()
    return net


net = transformer(size)
with torch.no_grad():
    for parameter in net.parameters():
        # Not 1 or 0, so that a test notices if two parameters are confused.
        if parameter.ndim == 1 or parameter.shape[0] == 1:
            parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2))
inputs = torch.randn(2, 3, size, size)
seen = []
net.encoder.register_forward_hook(lambda _, __, output: seen.append(output))
asked = []
net.encoder.layers[-1].ln_1.register_forward_hook(lambda _, __, output: asked.append(output))
with Goldens(folder) as goldens:
    goldens.add("input", inputs)
    goldens.add_all("state/", net.state_dict().items())
    output = net.train()(inputs)
    maps = seen[-1][:, 1:].permute(0, 2, 1).reshape(2, width, size // patch, size // patch)
    goldens.add("features", maps)
    _, attention = net.encoder.layers[-1].self_attention(asked[-1], asked[-1], asked[-1])
    goldens.add("attention", attention[:, :1, 1:].reshape(2, 1, size // patch, size // patch))
    vectors, places = torch.randn_like(output) / width**0.5, torch.randn_like(maps) / maps[0].numel() ** 0.5
    goldens.add("vectors", vectors)
    goldens.add("places", places)
    goldens.add("output", output)
    ((output * vectors).sum() + (maps * places).sum()).backward()
    goldens.add_all("gradient/", ((name, p.grad) for name, p in net.named_parameters()))
    # Hidden patches, different numbers of them in each picture.
    side = size // patch
    hidden = torch.rand(2, side * side) < torch.tensor([[0.6], [0.2]])
    goldens.add("hidden", hidden.reshape(2, 1, side, side))
    token = torch.randn(1, 1, width)
    goldens.add("token", token)
    positions = net.encoder.pos_embedding
    patches = net._process_input(inputs) + positions[:, 1:]
    first = net.class_token + positions[:, :1]

    def through(tokens):
        return net.encoder.ln(net.encoder.layers(torch.cat([first.expand(len(tokens), -1, -1), tokens], 1)))

    def add_learned(name, output):
        net.zero_grad()
        goldens.add(name, output)
        (output * vectors).sum().backward(retain_graph=True)
        goldens.add_all(f"{name}/gradient/", ((key, p.grad) for key, p in net.named_parameters()))

    # Each picture alone, with the patches that are left.
    alone = [through(patches[i : i + 1, ~hidden[i]]) for i in range(2)]
    add_learned("drop", torch.cat([tokens[:, 0] for tokens in alone]))
    left = torch.zeros(2, side * side, width)
    for i in range(2):
        left[i, ~hidden[i]] = alone[i][0, 1:]
    goldens.add("drop/features", left.transpose(1, 2).reshape(2, width, side, side))
    token.requires_grad = True
    add_learned("mask-token", through(torch.where(hidden[:, :, None], token + positions[:, 1:], patches))[:, 0])
    goldens.add("mask-token/gradient/mask_token", token.grad)
    resized = transformer(other)
    resized.load_state_dict(interpolate_embeddings(other, patch, net.state_dict()))
    others = torch.randn(2, 3, other, other)
    goldens.add("other input", others)
    with torch.no_grad():
        goldens.add("other output", resized(others))
