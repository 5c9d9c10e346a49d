"""Features of photos by an export of `salmask export RUN --to torchvision`, or by that of `--to safetensors`.

usage: torchvision_features.py EXPORT PHOTO...

EXPORT is the export's folder. Prints JSON: one list of features per photo. Needs torch (1.13 or later), torchvision and Pillow.
"""
import json
import os
import sys

import torch
import torchvision
from PIL import Image
from torch.nn.functional import conv2d, pad
from torchvision.models.vision_transformer import interpolate_embeddings
from torchvision.transforms.functional import center_crop, normalize, pil_to_tensor, resize


def read_safetensors(path):
    """The tensors of a file, as the package safetensors reads them: eight bytes with the header's length, the header, the data."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    types = {"F32": torch.float32, "I64": torch.int64}
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]])
            state[name] = numbers.reshape(entry["shape"])
    return state


def load(folder, about):
    """The network without its linear layer, so that it gives features."""
    torch_file = os.path.join(folder, "model.pth")
    if os.path.exists(torch_file):
        state = torch.load(torch_file, weights_only=True)
    else:
        state = read_safetensors(os.path.join(folder, "model.safetensors"))
    named = about["torchvision"]
    network = getattr(torchvision.models, named["name"])(**named["arguments"])
    if named["name"] == "VisionTransformer":
        state.pop("mask_token", None)
        state = interpolate_embeddings(named["arguments"]["image_size"], named["arguments"]["patch_size"], state)
    *path, last = named["classifier"].split(".")
    setattr(network.get_submodule(".".join(path)), last, torch.nn.Identity())
    head = f"{named['classifier']}."
    network.load_state_dict({name: value for name, value in state.items() if not name.startswith(head)})
    return network.eval()


def high_pass(pictures, kernel, sigma):
    """Each pixel less the Gaussian mean around it, with reflected borders."""
    half = kernel // 2
    line = torch.exp(-((torch.arange(kernel, dtype=torch.float64) - half) / sigma) ** 2 / 2)
    line = line / line.sum()
    weight = -torch.outer(line, line)
    weight[half, half] += 1
    return conv2d(pad(pictures, [half] * 4, mode="reflect"), weight.float().expand(3, 1, -1, -1), groups=3)


def prepare(path, about):
    """A photo as the encoder takes it, [1, 3, side, side]."""
    photo = Image.open(path).convert("RGB")
    if photo.size != (about["side"], about["side"]):
        photo = center_crop(resize(photo, about["shortSide"]), about["side"])
    picture = normalize(pil_to_tensor(photo) / 255, about["mean"], about["std"])[None]
    return picture if about["highPass"] is None else high_pass(picture, **about["highPass"])


folder, *photos = sys.argv[1:]
with open(os.path.join(folder, "salmask.json")) as file:
    about = json.load(file)
network = load(folder, about)
with torch.no_grad():
    print(json.dumps([network(prepare(photo, about["input"]))[0].tolist() for photo in photos]))
