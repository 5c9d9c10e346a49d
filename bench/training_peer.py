"""`training_peer.py TASK`: the same recipe as PyTorch users write it, with the same requests as bench/training-ours.ts.

TASK's `way` says how it computes: `default`; `channels last`; `bfloat16`, autocast with channels last; `compiled`, with
`torch.compile`; `compiled bfloat16`. All ways except `default` update the parameters with `foreach`. If this PyTorch
does not support the way, the process ends.

MoCo v2 (Chen et al. 2020), and for `full` also the paper's masks as its text describes them, for whole batches:
saliency of both crops from a frozen network like the encoder, high-pass filling, and a hard negative per photo.
"""
import json
import pathlib
import sys

import torch
from PIL import Image, ImageFilter
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vision_transformer import VisionTransformer
from torchvision.transforms.functional import gaussian_blur

from answer_peer import answer

task = json.loads(sys.argv[1])
crop, batch = task["crop"], task["batch"]
small = task["stem"] == "small"
is_transformer = task["arch"].startswith("vit")
stride = (4 if small else 16) if is_transformer else (8 if small else 32)
torch.set_num_threads(task["threads"])
device = torch.device(task["device"])
way = task.get("way", "default")
lies_last = way != "default"
in_bfloat16 = "bfloat16" in way
if "compiled" in way and not hasattr(torch, "compile"):
    sys.exit("this PyTorch has no torch.compile")
torch.backends.cudnn.benchmark = True  # as in MoCo's training script; no effect on a CPU


class Narrow(ResNet):
    """torchvision's network with a configurable width of its first stage."""

    def _make_layer(self, block, planes, *args, **kwargs):
        if planes == 64:
            self.inplanes = task["width"]
        return super()._make_layer(block, planes * task["width"] // 64, *args, **kwargs)


def head(features, dim):
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, dim))


def resnet(dim):
    blocks = {"resnet18": [2, 2, 2, 2], "resnet34": [3, 4, 6, 3], "resnet50": [3, 4, 6, 3], "resnet101": [3, 4, 23, 3]}
    block = BasicBlock if task["arch"] in ("resnet18", "resnet34") else Bottleneck
    net = Narrow(block, blocks[task["arch"]])
    net.conv1 = nn.Conv2d(3, task["width"], 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False)
    net.bn1 = nn.BatchNorm2d(task["width"])
    if small:
        net.maxpool = nn.Identity()
    net.fc = head(8 * task["width"] * block.expansion, dim)
    return net


def convnext(dim):
    widths = [task["width"] * factor for factor in (1, 2, 4, 8)]
    stages = [CNBlockConfig(*each) for each in zip(widths, [*widths[1:], None], [3, 3, 9, 3])]
    net = ConvNeXt(stages, stochastic_depth_prob=0.0)
    if small:
        net.features[0][0] = nn.Conv2d(3, widths[0], 1)
    net.classifier[2] = head(widths[-1], dim)
    return net


def transformer(dim):
    width = task["width"]
    net = VisionTransformer(crop, stride, num_layers=12, num_heads=width // 64, hidden_dim=width, mlp_dim=4 * width)
    net.heads = head(width, dim)
    return net


def encoder(dim=128):
    kinds = {"resnet": resnet, "convnext": convnext, "vit": transformer}
    net = next(make for name, make in kinds.items() if task["arch"].startswith(name))(dim).to(device)
    if lies_last:
        net = net.to(memory_format=torch.channels_last)
    return net


def fast(net):
    return torch.compile(net) if "compiled" in way else net


def laid(views):
    return views.contiguous(memory_format=torch.channels_last) if lies_last else views


def autocast():
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=in_bfloat16)


def last_maps(net, x):
    if isinstance(net, ConvNeXt):
        return net.features(x)
    if is_transformer:
        patches = net._process_input(x)
        tokens = net.encoder(torch.cat([net.class_token.expand(len(x), -1, -1), patches], 1))
        return tokens[:, 1:].transpose(1, 2).reshape(len(x), -1, crop // stride, crop // stride)
    x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    return net.layer4(net.layer3(net.layer2(net.layer1(x))))


class Blur:
    def __call__(self, image):
        sigma = (0.1 + 1.9 * torch.rand(1).item()) * crop / 224
        return image.filter(ImageFilter.GaussianBlur(radius=sigma))


augment = transforms.Compose(
    [
        transforms.RandomResizedCrop(crop, scale=(0.2, 1.0)),
        transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.RandomApply([Blur()], p=0.5),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


class TwoViews(Dataset):
    def __init__(self, folder):
        self.paths = sorted(pathlib.Path(folder).glob("*.jpg"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            image = image.convert("RGB")
        return augment(image), augment(image)


def batches():
    if task["feed"] == "resident":
        resident = [torch.randn(2, batch, 3, crop, crop, device=device) for _ in range(2)]
        while True:
            yield from resident
    photos = TwoViews(task["folder"])
    # A single endless epoch, so that the workers are never idle between epochs.
    endless = RandomSampler(photos, replacement=True, num_samples=10**9)
    yield from DataLoader(photos, batch, sampler=endless, num_workers=2, drop_last=True)


def foreground(maps):
    flat = maps.flatten(1)  # [B, N]
    return flat >= flat.mean(1, keepdim=True) - 0.6 * flat.std(1, unbiased=False, keepdim=True)


def masked(views, cells, low, high, noise, background):
    """`views` [B, 3, H, W] with noise in a random share of the cells [B, N] of each kind."""
    ratio = torch.empty(len(views), 1, device=device).uniform_(low, high)
    scores = torch.rand(cells.shape, device=device)
    chosen = torch.zeros_like(cells)
    for kind in [cells, ~cells] if background else [cells]:
        count = (ratio * kind.sum(1, keepdim=True)).round()
        rank = scores.masked_fill(~kind, 2).argsort(1).argsort(1)
        chosen |= kind & (rank < count)
    side = crop // stride
    pixels = chosen.view(-1, 1, side, side).repeat_interleave(stride, 2).repeat_interleave(stride, 3)
    return torch.where(pixels, torch.randn_like(views) * noise, views)


class Moco:
    def __init__(self):
        self.query, self.key = encoder(), encoder()
        self.key.load_state_dict(self.query.state_dict())
        for parameter in self.key.parameters():
            parameter.requires_grad = False
        self.queue = F.normalize(torch.randn(128, task["queue"], device=device), dim=0)
        self.pointer = 0
        # None leaves the choice to PyTorch, which uses a loop on a CPU.
        foreach = True if way != "default" else None
        self.optimizer = torch.optim.SGD(
            self.query.parameters(), 0.03, momentum=0.9, weight_decay=1e-4, foreach=foreach
        )
        self.fast_query, self.fast_key = fast(self.query), fast(self.key)
        self.localizer = encoder().eval() if task["recipe"] == "full" else None

    def views(self, query, key, clock):
        if self.localizer is None:
            return query, key, None
        with torch.no_grad():
            with autocast():
                of_query = foreground(last_maps(self.localizer, laid(query)).float().sum(1))
                of_key = foreground(last_maps(self.localizer, laid(key)).float().sum(1))
            clock.lap("saliency")
            query = query - gaussian_blur(query, 11, 5.0)
            key = key - gaussian_blur(key, 11, 5.0)
            negative = masked(key, of_key, 0.4, 0.7, 0.14, background=False)
            query = masked(query, of_query, 0.05, 0.25, 0.18, background=True)
            clock.lap("masking")
        return query, key, negative

    def follow(self):
        if way == "default":
            for parameter_q, parameter_k in zip(self.query.parameters(), self.key.parameters()):
                parameter_k.data = parameter_k.data * 0.999 + parameter_q.data * 0.001
            return
        keys, queries = list(self.key.parameters()), list(self.query.parameters())
        torch._foreach_mul_(keys, 0.999)
        torch._foreach_add_(keys, queries, alpha=0.001)

    def step(self, query, key, clock):
        query, key, negative = self.views(query, key, clock)
        with autocast():
            q = self.fast_query(laid(query))
        q = F.normalize(q.float(), dim=1)
        with torch.no_grad():
            self.follow()
            both = key if negative is None else torch.cat([key, negative])
            with autocast():
                k = self.fast_key(laid(both))
            k = F.normalize(k.float(), dim=1)
        positive = torch.einsum("nc,nc->n", q, k[:batch]).unsqueeze(-1)
        logits = [positive, torch.einsum("nc,ck->nk", q, self.queue.clone().detach())]
        if negative is not None:
            logits.append(2.0 * torch.einsum("nc,nc->n", q, k[batch:]).unsqueeze(-1))
        logits = torch.cat(logits, 1) / 0.2
        loss = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.long, device=device))
        clock.lap("forward")
        self.optimizer.zero_grad()
        loss.backward()
        clock.lap("backward")
        self.optimizer.step()
        self.queue[:, self.pointer : self.pointer + batch] = k[:batch].T
        self.pointer = (self.pointer + batch) % task["queue"]
        value = loss.item()
        clock.lap("optimizer")
        return value


def main():
    moco = Moco()
    data = batches()

    def step(clock):
        query, key = (views.to(device) for views in next(data))
        clock.lap("data")
        moco.step(query, key, clock)

    answer(step)


main()
