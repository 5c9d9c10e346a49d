"""`peer.py TASK`: plain MoCo v2 on small photos as a practised PyTorch user writes it for a CPU; the rival of bench/rival.

It shares nothing with Salmask but the numbers of the recipe (TASK's `config`). Photos are decoded once into memory. Views are
rendered a batch at a time on tensors, which is faster here than torchvision's transforms of one photo after another in worker
processes; their formulas are torchvision's on float images, each photo with decisions of its own. Parameters are updated with
`foreach`. `way` says how the encoders compute batch norm's groups, and how maps lie in memory:

  split            a norm of `groups` times as many channels sees the whole batch at once
  turns            one group passes through the encoder after another
  turns last       the same with channels last

bench/peer-environment.ts gives it an allocator that keeps its blocks.

TASK's `do`: `ways` times each of them and prints the seconds of a step; `train` trains, and prints how long it took. With
`given`, a command and the file that it writes, it begins with Salmask's weights and sees Salmask's views (show-views.ts).
"""
import json
import math
import pathlib
import subprocess
import sys
import time
from functools import partial

import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.transforms.functional import pil_to_tensor

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "packages/salmask/test/support"))
from small_resnet import part, read  # noqa: E402

task = json.loads(sys.argv[1])
config = task["config"]
method, augment, schedule = config["method"], config["augment"], config["train"]
crop, batch, groups = config["data"]["crop"], schedule["batchSize"], method["groups"]
for name in ("blurProbability", "solarizeProbability"):
    if augment[name] != 0:
        sys.exit(f"expected {name} 0, which is all that this peer knows, got {augment[name]}")
torch.set_num_threads(task["threads"])
torch.manual_seed(config["seed"])


def decode(folder):
    """All photos, uint8 [N, 3, H, W]."""
    photos = []
    for path in sorted(pathlib.Path(folder).glob("*.jpg")):
        with Image.open(path) as image:
            photos.append(pil_to_tensor(image.convert("RGB")))
    return torch.stack(photos)


def uniform(low, high, *shape):
    return torch.empty(shape).uniform_(low, high)


def draw_crops(count, height, width):
    """RandomResizedCrop's top, left, height and width, and RandomHorizontalFlip's choice, of `count` photos."""
    tries = 10
    area = height * width * uniform(*augment["scale"], count, tries)
    aspect = torch.exp(uniform(*(math.log(ratio) for ratio in augment["ratio"]), count, tries))
    widths, heights = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (widths <= width) & (heights <= height)
    chosen = fits.float().argmax(1, keepdim=True)  # the first that fits
    nothing_fits = ~fits.any(1)
    w = widths.gather(1, chosen).squeeze(1).masked_fill(nothing_fits, width)
    h = heights.gather(1, chosen).squeeze(1).masked_fill(nothing_fits, height)
    top = (torch.rand(count) * (height - h + 1)).floor()
    left = (torch.rand(count) * (width - w + 1)).floor()
    return top, left, h, w, torch.rand(count) < augment["flipProbability"]


def resized_crops(photos, top, left, h, w, flipped):
    """Crops of photos [B, 3, H, W], resized and flipped in one bilinear sampling. No crop is larger than its result."""
    height, width = photos.shape[2:]

    def places(start, length, whole):
        """Of the middles of the result's pixels, [B, crop], from -1 to 1; pixels outside of the crop are not seen."""
        middles = (torch.arange(crop) + 0.5) / crop * length[:, None] - 0.5
        inside = torch.minimum(middles.clamp(min=0), length[:, None] - 1)
        return (start[:, None] + inside) * (2 / (whole - 1)) - 1

    x, y = places(left, w, width), places(top, h, height)
    x = torch.where(flipped[:, None], x.flip(1), x)
    grid = torch.stack([x[:, None, :].expand(-1, crop, -1), y[:, :, None].expand(-1, -1, crop)], 3)
    return F.grid_sample(photos, grid, padding_mode="border", align_corners=True)


def luma(x):
    red, green, blue = x.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def blend(x, other, factor):
    return (factor * x + (1 - factor) * other).clamp(0, 1)


def shift_hue(x, turns):
    red, green, blue = x.unbind(1)
    value, brightest = x.max(1)
    chroma = value - x.min(1).values
    saturation = chroma / value.clamp(min=1e-12)
    safe = chroma.clamp(min=1e-12)
    sixths = torch.where(
        brightest == 0,
        (green - blue) / safe,
        torch.where(brightest == 1, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    sixths = (sixths + 6 * turns.squeeze(1)) % 6
    channels = []
    for offset in (5, 3, 1):
        k = (offset + sixths) % 6
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


operations = {
    "brightness": lambda x, factor: blend(x, torch.zeros(()), factor),
    "contrast": lambda x, factor: blend(x, luma(x).mean((2, 3), keepdim=True), factor),
    "saturation": lambda x, factor: blend(x, luma(x), factor),
    "hue": shift_hue,
}


def jitter(x):
    """ColorJitter in place, each photo's operations in an order of its own."""
    count = len(x)
    order = torch.rand(count, len(operations)).argsort(1)
    order[torch.rand(count) >= augment["jitterProbability"]] = -1
    factors = {
        name: uniform(max(0, 1 - augment[name]), 1 + augment[name], count, 1, 1, 1)
        for name in ("brightness", "contrast", "saturation")
    }
    factors["hue"] = uniform(-augment["hue"], augment["hue"], count, 1, 1, 1)
    for place in range(len(operations)):
        for number, (name, operation) in enumerate(operations.items()):
            rows = (order[:, place] == number).nonzero().squeeze(1)
            x[rows] = operation(x[rows], factors[name][rows])
    return x


mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def views(photos):
    """uint8 [B, 3, H, W] to normalised views [B, 3, crop, crop]."""
    x = jitter(resized_crops(photos / 255, *draw_crops(len(photos), *photos.shape[2:])))
    gray = torch.rand(len(x)) < augment["grayscaleProbability"]
    x[gray] = luma(x[gray]).expand(-1, 3, -1, -1)
    return (x - mean) / deviation


class GivenViews:
    """The views that a command writes to its standard output, in the order in which they are asked for."""

    def __init__(self, command):
        self.written = subprocess.Popen(command, stdout=subprocess.PIPE).stdout
        self.written.peek(1)

    def __call__(self, photos):
        given = torch.empty(len(photos), 3, crop, crop)
        got = self.written.readinto(memoryview(given.numpy()).cast("B"))
        if got != 4 * given.numel():
            sys.exit(f"expected {4 * given.numel()} bytes of views, got {got}")
        return given


class SplitNorm(nn.BatchNorm2d):
    """Batch norm with statistics of their own for each of the batch's groups."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        count, channels, height, width = x.shape
        running_mean, running_var = self.running_mean.repeat(groups), self.running_var.repeat(groups)
        wide = F.batch_norm(
            x.reshape(count // groups, channels * groups, height, width),
            running_mean,
            running_var,
            self.weight.repeat(groups),
            self.bias.repeat(groups),
            True,
            self.momentum,
            self.eps,
        )
        self.running_mean.copy_(running_mean.view(groups, channels).mean(0))
        self.running_var.copy_(running_var.view(groups, channels).mean(0))
        return wide.view(x.shape)


class Encoder(ResNet):
    """torchvision's ResNet-18 with another width, a 3x3 stem without pooling, and MoCo v2's projector."""

    def __init__(self, width, norm):
        super().__init__(BasicBlock, [2, 2, 2, 2], norm_layer=norm)
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = norm(width)
        self.maxpool = nn.Identity()
        for stage in range(4):
            layers = self._make_layer(BasicBlock, width * 2**stage, 2, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layers)
        features = 8 * width
        self.fc = nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, method["dim"]))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Moco:
    def __init__(self, way, views=views):
        self.views = views
        self.in_turns = way != "split"
        self.layout = torch.channels_last if way == "turns last" else torch.contiguous_format
        make = partial(Encoder, config["model"]["width"], nn.BatchNorm2d if self.in_turns else SplitNorm)
        self.query, self.key = (make().to(memory_format=self.layout) for _ in range(2))
        self.key.load_state_dict(self.query.state_dict())
        self.key.requires_grad_(False)
        self.queue = F.normalize(torch.randn(method["queue"], method["dim"]))
        self.at = 0
        self.optimizer = torch.optim.SGD(
            self.query.parameters(),
            schedule["lr"],
            momentum=schedule["momentum"],
            weight_decay=schedule["weightDecay"],
            foreach=True,
        )

    def begin_with(self, path):
        """Encoders and queue of a file of Salmask's, which does not count batches."""
        given, _ = read(path)
        for name in ("query", "key"):
            encoder = part(given, f"{name}.")
            weights = {**part(encoder, "backbone."), **{f"fc.{k}": v for k, v in part(encoder, "projector.mlp.").items()}}
            missing, unexpected = getattr(self, name).load_state_dict(weights, strict=False)
            if unexpected or not all(each.endswith("num_batches_tracked") for each in missing):
                sys.exit(f"expected the {name} encoder in {path}, got {unexpected} and not {missing}")
        self.queue.copy_(given["queue"])

    def encode(self, encoder, x):
        x = x.contiguous(memory_format=self.layout)
        return F.normalize(torch.cat([encoder(group) for group in x.chunk(groups)]) if self.in_turns else encoder(x))

    @torch.no_grad()
    def keys(self, x):
        """Shuffled over the groups, as over the cards of MoCo's own training."""
        shuffled = torch.randperm(len(x))
        return self.encode(self.key, x[shuffled])[shuffled.argsort()]

    def step(self, photos):
        queries = self.encode(self.query, self.views(photos))
        keys = self.keys(self.views(photos))
        positive = (queries * keys).sum(1, keepdim=True)
        logits = torch.cat([positive, queries @ self.queue.T], 1) / method["temperature"]
        loss = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            follower = list(self.key.parameters())
            torch._foreach_mul_(follower, method["momentum"])
            torch._foreach_add_(follower, list(self.query.parameters()), alpha=1 - method["momentum"])
        places = torch.arange(self.at, self.at + len(keys)) % len(self.queue)
        self.queue[places] = keys
        self.at = (self.at + len(keys)) % len(self.queue)
        return loss.item()

    def set_rate(self, epoch):
        for group in self.optimizer.param_groups:
            group["lr"] = schedule["lr"] * 0.5 * (1 + math.cos(math.pi * epoch / schedule["epochs"]))

    def save(self, path):
        states = {name: getattr(self, name).state_dict() for name in ("query", "key", "optimizer")}
        torch.save({**states, "queue": self.queue, "at": self.at}, path)


def train(photos, out):
    if "given" in task:
        moco = Moco(task["way"], GivenViews(task["given"]["command"]))
        moco.begin_with(pathlib.Path(task["given"]["start"]))
    else:
        moco = Moco(task["way"])
    started = time.perf_counter()
    steps = 0
    per_epoch = len(photos) // batch
    for epoch in range(schedule["epochs"]):
        moco.set_rate(epoch)
        losses = []
        for rows in torch.randperm(len(photos))[: per_epoch * batch].split(batch):
            loss = moco.step(photos[rows])
            steps += 1
            if steps % schedule["logEvery"] == 0 or steps == schedule["epochs"] * per_epoch:
                losses.append(loss)
        moco.save(out / "checkpoint.pth")
        print(f"PyTorch: epoch {epoch + 1}, loss {loss:.3f}", file=sys.stderr)
    seconds = time.perf_counter() - started
    encoder = {name: tensor for name, tensor in moco.query.state_dict().items() if not name.startswith("fc.")}
    torch.save(encoder, out / "encoder.pth")
    return {"training": seconds, "steps": steps, "loss": sum(losses) / len(losses)}


def time_ways(photos):
    """The least seconds of a step for each way, which take their turns."""
    sides = {way: Moco(way) for way in ("split", "turns", "turns last")}
    seconds = {way: math.inf for way in sides}
    for turn in range(5):
        for way, moco in sides.items():
            started = time.perf_counter()
            moco.step(photos[:batch])
            if turn > 0:
                seconds[way] = min(seconds[way], time.perf_counter() - started)
    return seconds


def main():
    started = time.perf_counter()
    photos = decode(task["photos"])
    decoding = time.perf_counter() - started
    if task["do"] == "ways":
        print(json.dumps({"ways": time_ways(photos), "torch": torch.__version__}))
        return
    out = pathlib.Path(task["out"])
    out.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"decoding": decoding, **train(photos, out)}))


if __name__ == "__main__":
    main()
