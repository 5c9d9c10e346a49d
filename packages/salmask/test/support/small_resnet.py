"""What golden scripts need to compute a step with PyTorch alone: files, a small ResNet of torchvision's parts, and how far its
activations are from the corners of its ReLUs.
"""
import functools
import json

import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock

TYPES = {"F32": torch.float32, "U8": torch.uint8, "BOOL": torch.bool, "I32": torch.int32, "I64": torch.int64}


def read(path):
    """Tensors and the metadata of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[start + begin : start + end]), dtype=TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def exactly(tensors):
    """Floats as float64."""
    return {name: t.double() if t.is_floating_point() else t for name, t in tensors.items()}


def part(tensors, prefix):
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Backbone(torchvision.models.ResNet):
    """torchvision's ResNet-18 with a stem for small pictures and any width, without its classifier."""

    def __init__(self, width):
        super().__init__(BasicBlock, [2, 2, 2, 2])
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity()
        self.layer1 = self._make_layer(BasicBlock, width, 2)
        self.layer2 = self._make_layer(BasicBlock, 2 * width, 2, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 4 * width, 2, stride=2)
        self.layer4 = self._make_layer(BasicBlock, 8 * width, 2, stride=2)
        self.fc = nn.Identity()


@functools.lru_cache(None)
def backbone(width):
    """Cached, because torchvision first initialises a network with its own width."""
    return Backbone(width)


def remember_activations(network):
    """A list that gets the input of every ReLU in turn; copies, because torchvision's ReLUs work in place."""
    activations = []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda _, inputs: activations.append(inputs[0].detach().clone()))
    return activations


def least_distance(exact, rough):
    """The distance of activations [B, channels, ...] from zero, in units of their channel's usual rounding."""
    exact, rough = (activations.transpose(0, 1).flatten(1) for activations in (exact, rough))
    rounding = (exact - rough).pow(2).mean(1).sqrt()
    return (exact.abs().amin(1) / rounding).min().item()
