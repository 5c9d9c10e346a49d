"""`detect_peer.py TASK`: torchvision's detectors, with the same requests as bench/detect-ours.ts.

TASK's `way` says how it computes: `default`, or `channels last`, which also updates the parameters with `foreach`.
"""
import json
import pathlib
import sys

import torch
from torchvision.models import resnet18
from torchvision.models.detection import maskrcnn_resnet50_fpn

from answer_peer import answer

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "packages/salmask/test/detection"))
from c4_model import c4, our_name

task = json.loads(sys.argv[1])
torch.set_num_threads(task["threads"])
lies_last = task["way"] == "channels last"
classes = task["classes"] + 1


def read(path):
    """The tensors of a safetensors file; Debian has no Python package of it."""
    types = {"F32": torch.float32, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            values = torch.frombuffer(bytearray(file.read(end - begin)), dtype=types[entry["dtype"]])
            tensors[name] = values.view(entry["shape"])
    return tensors


def built():
    """A detector, and the names of its weights in the file by its own."""
    options = dict(min_size=task["side"], max_size=task["side"])
    if task["design"] == "fpn":
        net = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=classes, **options)
        return net, {name: name for name in net.state_dict()}
    net = c4(resnet18(weights=None), classes, **options)
    return net, {name: our_name(name) for name in net.state_dict()}


shared = read(task["file"])
net, names = built()
net.load_state_dict({name: shared[f"state/{ours}"] for name, ours in names.items()})
photos, targets = [], []
while f"photo/{len(photos)}" in shared:
    place = len(photos)
    photos.append(shared[f"photo/{place}"])
    prefix = f"truth/{place}/"
    truth = {name[len(prefix) :]: values for name, values in shared.items() if name.startswith(prefix)}
    targets.append({**truth, "labels": truth["labels"].long()})
del shared
if lies_last:
    net = net.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(
    net.parameters(),
    task["lr"],
    momentum=task["momentum"],
    weight_decay=task["weightDecay"],
    # None leaves the choice to PyTorch, which uses a loop on a CPU.
    foreach=True if lies_last else None,
)

sampled = {}
select = net.roi_heads.select_training_samples


def counted(*args):
    selected = select(*args)
    labels = torch.cat(selected[2])
    sampled.update(regions=len(labels), objects=int((labels > 0).sum()))
    return selected


net.roi_heads.select_training_samples = counted
net.train()


def step(clock):
    loss = sum(net(photos, targets).values())
    clock.lap("forward")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    clock.lap("backward")
    optimizer.step()
    loss.item()
    clock.lap("optimizer")


answer(step, {"sampled": lambda: sampled})
