"""One whole training step with only PyTorch and torchvision, from given weights and random decisions.

usage: whole_step_golden.py FOLDER GIVEN

Each folder GIVEN/CASE contains state.safetensors (weights, queue, momentum, and the settings in its metadata) and, for
each of several batches, BATCH.safetensors (crops, masks, noise, the order of the keys).

The step is computed in float64, so that all rounding errors come from the other side. A gradient jumps at the zero of a
ReLU, where rounding decides on which side an activation is. So the step uses the batch whose activations are farthest
from zero, of those in which every wrong step is possible and differs from the right one: the weight of a hard negative,
for example, hardly shows where no query is like it.
"""
import copy
import json
import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from golden import Goldens

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from small_resnet import backbone, exactly, least_distance, part, read, remember_activations  # noqa: E402


class Encoder(nn.Module):
    def __init__(self, config, state):
        super().__init__()
        width, dim = config["model"]["width"], config["method"]["dim"]
        self.backbone = copy.deepcopy(backbone(width))
        self.projector = nn.ModuleDict(
            {"mlp": nn.Sequential(nn.Linear(8 * width, 8 * width), nn.ReLU(), nn.Linear(8 * width, dim))}
        )
        self.to(next(iter(state.values())).dtype).load_state_dict(state)
        self.activations = remember_activations(self)

    def forward(self, pictures):
        return F.normalize(self.projector["mlp"](self.backbone(pictures)), dim=1)


def prepare(crops, mask):
    """The preparation of every view before it is masked."""
    if mask["fill"] != "high-pass":
        return crops
    kernel, sigma = mask["highPass"]["kernel"], mask["highPass"]["sigma"]
    return crops - gaussian_blur(crops, [kernel, kernel], [sigma, sigma])


def hide(pictures, decisions, mask, role):
    """Fills the masked cells of a query or key (role 0), or of a hard negative (role 1)."""
    hidden = F.interpolate(decisions["cells"].float(), pictures.shape[2:], mode="nearest") > 0
    hidden = hidden.expand_as(pictures).clone()
    for row, (top, left, height, width) in enumerate(decisions["windows"].tolist()):
        if height > 0:
            window = torch.zeros(pictures.shape[2:], dtype=torch.bool)
            window[top : top + height, left : left + width] = True
            hidden[row] = window if role == 1 else ~window
    if mask["fill"] == "high-pass":
        instead = mask["highPass"]["noise"][role] * decisions["noise"]
    elif mask["fill"] == "blur":
        kernel, sigma = mask["blur"]["kernel"], mask["blur"]["sigma"]
        instead = gaussian_blur(pictures, [kernel, kernel], [sigma, sigma])
    else:
        instead = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    return torch.where(hidden, instead, pictures)


class Views:
    """The encoder's inputs for a batch: both views and the hard negatives."""

    def __init__(self, config, batch):
        mask = config["mask"]
        clean = [prepare(batch[f"crops/{view}"], mask) for view in (0, 1)]
        self.pair = []
        for view, pictures in enumerate(clean):
            decisions = part(batch, f"mask/{view}/")
            self.pair.append(hide(pictures, decisions, mask, 0) if decisions else pictures)
        self.negatives, self.valid = [], []
        for m in range(mask["negative"]["count"]):
            decisions = part(batch, f"negative/{m}/")
            if decisions:
                self.negatives.append(hide(clean[1][: len(decisions["cells"])], decisions, mask, 1))
                self.valid.append(decisions["valid"].bool())

    def stacked(self):
        return torch.cat(self.negatives) if self.negatives else self.pair[1][:0]

    def mine(self, embeddings):
        """Embeddings [M * B, dim] or, if the batch shares them, [M, dim], as [M, B, dim]; and which of them count, [M,
        B].
        """
        batch = len(self.pair[0])
        if not self.negatives:
            return embeddings.new_zeros(0, batch, embeddings.shape[1]), torch.zeros(0, batch, dtype=torch.bool)
        parts = embeddings.chunk(len(self.negatives))
        own = torch.stack([e.expand(batch, -1) for e in parts])
        return own, torch.stack([v.expand(batch) for v in self.valid])


def normalised_apart(encoder, pictures, groups):
    """Encodes the parts of a batch that would each be on one GPU, with separate batch statistics."""
    return torch.cat([encoder(each) for each in pictures.chunk(groups)])


def hard_terms(query, hard, counts, config):
    """sum_m exp(rho q.k-_m / tau), [B]"""
    rho, temperature = config["mask"]["negative"]["weight"], config["method"]["temperature"]
    terms = torch.exp(rho * (query * hard).sum(2) / temperature)
    return torch.where(counts, terms, torch.zeros_like(terms)).sum(0)


class MocoV2:
    """He et al. 2020 and Chen et al. 2020, with the hard negatives of the paper (section 3.3)."""

    def __init__(self, config, state):
        self.config = config
        self.query = self.learned = Encoder(config, part(state, "query."))
        self.key = Encoder(config, part(state, "key."))
        self.queue = state["queue"].clone()

    def loss(self, views, batch):
        temperature, groups = self.config["method"]["temperature"], self.config["method"]["groups"]
        query = normalised_apart(self.query, views.pair[0], groups)
        with torch.no_grad():
            pictures = torch.cat([views.pair[1], views.stacked()])
            order = batch["order"].long()
            embeddings = torch.empty(len(pictures), query.shape[1], dtype=query.dtype)
            embeddings[order] = normalised_apart(self.key, pictures[order], groups)
            self.keys = embeddings[: len(query)]
            hard, counts = views.mine(embeddings[len(query) :])
        similar = (query * self.keys).sum(1)
        positive = torch.exp(similar / temperature)
        past = query @ self.queue.t()
        others = torch.exp(past / temperature).sum(1) + hard_terms(query, hard, counts, self.config)
        self.accuracy = (similar > past.amax(1)).double().mean()
        return -torch.log(positive / (positive + others)).mean()

    @torch.no_grad()
    def after_step(self, pointer):
        m = self.config["method"]["momentum"]
        for slow, fast in zip(self.key.parameters(), self.query.parameters()):
            slow.copy_(m * slow + (1 - m) * fast)
        for i, key in enumerate(self.keys):
            self.queue[(pointer + i) % len(self.queue)] = key

    def state(self):
        yield "queue", self.queue
        for name, encoder in (("query.", self.query), ("key.", self.key)):
            for key, value in encoder.state_dict().items():
                yield name + key, value


class SimClr:
    """Chen et al. 2020. Only the first view's row has hard negatives; gradients also flow through them."""

    def __init__(self, config, state):
        self.config = config
        self.encoder = self.learned = Encoder(config, state)

    def loss(self, views, batch):
        temperature = self.config["method"]["temperature"]
        count = len(views.pair[0])
        embeddings = self.encoder(torch.cat([*views.pair, views.stacked()]))
        both = embeddings[: 2 * count]
        extra = hard_terms(both[:count], *views.mine(embeddings[2 * count :]), self.config)
        similar = both @ both.t()
        losses, nearest = [], 0
        for row in range(2 * count):
            partner = (row + count) % (2 * count)
            others = [column for column in range(2 * count) if column != row]
            denominator = torch.exp(similar[row, others] / temperature).sum()
            if row < count:
                denominator = denominator + extra[row]
                nearest += max(others, key=lambda column: similar[row, column].item()) == partner
            losses.append(-torch.log(torch.exp(similar[row, partner] / temperature) / denominator))
        self.accuracy = torch.tensor(nearest / count)
        return torch.stack(losses).mean()

    def after_step(self, pointer):
        pass

    def state(self):
        return self.encoder.state_dict().items()


METHODS = {"mocov2": MocoV2, "simclr": SimClr}


def learning_rate(train, optimizer, progress):
    """A warm-up per step, only for LARS; then half a cosine, per epoch."""
    epochs, epoch = train["epochs"], progress["epoch"]
    warm_up = min(10, epochs // 10) if optimizer == "lars" else 0
    if epoch < warm_up:
        return train["lr"] * (progress["step"] + 1) / (warm_up * progress["stepsPerEpoch"])
    return train["lr"] * (1 + math.cos(math.pi * (epoch - warm_up) / (epochs - warm_up))) / 2


@torch.no_grad()
def move(method, state, config, progress):
    """The optimizer's step: SGD is PyTorch's; LARS is You et al. 2017 as in MoCo v3 and SimCLR."""
    train = config["train"]
    optimizer = "lars" if config["method"]["name"] == "simclr" else "sgd"
    rate = learning_rate(train, optimizer, progress)
    buffers = {
        parameter: state[f"{name}.momentum_buffer"].clone() for name, parameter in method.learned.named_parameters()
    }
    if optimizer == "sgd":
        sgd = torch.optim.SGD(list(buffers), lr=rate, momentum=train["momentum"], weight_decay=train["weightDecay"])
        for parameter, buffer in buffers.items():
            sgd.state[parameter]["momentum_buffer"] = buffer
        sgd.step()
        return
    for parameter, buffer in buffers.items():
        direction = parameter.grad
        if parameter.dim() > 1:
            direction = direction + train["weightDecay"] * parameter
            direction = direction * 0.001 * parameter.norm() / direction.norm()
        parameter.sub_(rate * buffer.mul_(train["momentum"]).add_(direction))


def start(config, state, batch):
    """The method, its views, and the loss before the optimizer's step."""
    views = Views(config, batch)
    method = METHODS[config["method"]["name"]](config, part(state, "task."))
    return method, views, method.loss(views, batch)


@torch.no_grad()
def margin(config, state, batch):
    """The distance of the encoder's activations from zero, in units of their channel's usual rounding."""
    rough = start(config, state, batch)[0].learned.activations
    exact = start(config, exactly(state), exactly(batch))[0].learned.activations
    return min(least_distance(e, r) for e, r in zip(exact, rough))


def faults(config, batch):
    """Wrong steps: the test must be able to distinguish them from the correct one."""

    def changed(change, batch=batch):
        other = copy.deepcopy(config)
        change(other)
        return other, batch

    negatives = any(name.startswith("negative/") for name in batch)
    fill = config["mask"]["fill"]
    yield "temperature", changed(lambda other: other["method"].update(temperature=0.3))
    if fill == "none":
        yield "high-pass views", changed(lambda other: other["mask"].update(fill="high-pass"))
    else:
        another = {"high-pass": "blur", "blur": "mean", "mean": "blur"}[fill]
        yield "another fill", changed(lambda other: other["mask"].update(fill=another))
        masks = [name for name in batch if name.startswith("mask/") and name.endswith(("cells", "windows"))]
        whole = {name: torch.zeros_like(batch[name]) for name in masks}
        yield "no mask", changed(lambda other: None, {**batch, **whole})
    windows = [name for name in batch if name.endswith("/windows") and batch[name].any()]
    if windows:
        none = {name: torch.zeros_like(batch[name]) for name in windows}
        yield "no windows", changed(lambda other: None, {**batch, **none})
    if negatives:
        yield "no hard negatives", changed(lambda other: other["mask"]["negative"].update(count=0), kept(batch))
        yield "rho of 1", changed(lambda other: other["mask"]["negative"].update(weight=1))
        invalid = [name for name in batch if name.endswith("/valid") and not batch[name].all()]
        if invalid:
            every = {name: torch.ones_like(batch[name]) for name in invalid}
            yield "negatives that lost nothing", changed(lambda other: None, {**batch, **every})
    if config["method"]["name"] == "mocov2":
        yield "one group", changed(lambda other: other["method"].update(groups=1))
        yield "keys in another order", changed(lambda other: None, {**batch, "order": batch["order"].roll(1)})


def kept(batch):
    """A batch without its hard negatives: only the keys, in their remaining order."""
    left = {name: tensor for name, tensor in batch.items() if not name.startswith("negative/")}
    if "order" in left:
        left["order"] = left["order"][left["order"] < len(left["crops/1"])]
    return left


def wrong_steps(config, state, batch):
    """Each fault's loss, what it adds to the right one, and the relative norm of what it changes in the gradients."""
    right, _, right_loss = start(config, state, batch)
    right_loss.backward()
    gradients = slope(right)
    for name, (other, given) in faults(config, batch):
        wrong, _, loss = start(other, state, given)
        loss.backward()
        turn = (slope(wrong) - gradients).norm() / gradients.norm()
        yield name, loss.detach(), (loss - right_loss).item(), turn


def tells_apart(wrong):
    """Whether every fault changes the loss or the gradients by more than twice what the test asks for."""
    return all(abs(change) > 1e-3 or turn > 0.02 for _, _, change, turn in wrong)


def choose(folder, config, state):
    """The number of a batch, its margin, the batch, and its wrong steps."""
    batches = {int(path.stem): read(path)[0] for path in folder.glob("[0-9]*.safetensors")}
    possible = {number: {name for name, _ in faults(config, batch)} for number, batch in batches.items()}
    every = set().union(*possible.values()) - {"no windows"}
    batches = {number: batch for number, batch in batches.items() if possible[number] >= every}
    margins = {number: margin(config, state, batch) for number, batch in batches.items()}
    for number in sorted(margins, key=margins.get, reverse=True):
        wrong = list(wrong_steps(config, state, batches[number]))
        if tells_apart(wrong):
            return number, margins[number], batches[number], wrong
    sys.exit(f"expected a batch of {folder.name} that tells every fault from the right step, got none")


def whole_step(folder, goldens):
    state, metadata = read(folder / "state.safetensors")
    settings = json.loads(metadata["settings"])
    config, progress, pointer = settings["config"], settings["progress"], settings["counters"].get("pointer", 0)
    chosen, widest, batch, wrong = choose(folder, config, state)
    state, batch = exactly(state), exactly(batch)

    method, views, loss = start(config, state, batch)
    loss.backward()
    case = folder.name
    goldens.add(f"{case}/batch", torch.tensor(chosen))
    goldens.add(f"{case}/margin", torch.tensor(widest))
    goldens.add(f"{case}/loss", loss)
    goldens.add(f"{case}/accuracy", method.accuracy)
    for view, pictures in enumerate(views.pair):
        goldens.add(f"{case}/view/{view}", pictures)
    goldens.add(f"{case}/view/negatives", views.stacked())
    named = method.learned.named_parameters()
    goldens.add_all(f"{case}/gradient/", ((name, parameter.grad) for name, parameter in named))

    move(method, part(state, "optimizer."), config, progress)
    method.after_step(pointer)
    before = part(state, "task.")
    goldens.add_all(f"{case}/change/", ((name, after.double() - before[name]) for name, after in method.state()))

    for name, loss, _, turn in wrong:
        goldens.add(f"{case}/fault/{name}", torch.stack([loss, turn]))


def slope(method):
    """All gradients as one vector, before the optimizer's step."""
    return torch.cat([parameter.grad.flatten() for parameter in method.learned.parameters()])


with Goldens(sys.argv[1]) as goldens:
    for folder in sorted(Path(sys.argv[2]).iterdir()):
        whole_step(folder, goldens)
