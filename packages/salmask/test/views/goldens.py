"""Results of torchvision for the tests of the augmentations.

usage: goldens.py FOLDER

Reads FOLDER/request.json: {"views": [...]}, one object per view with the keys of ViewDraw's rows, `size` and `crop`.
Writes FOLDER/goldens.json, a list of cases with their parameters and the names and shapes of their tensors, and the
tensors beside it as raw little-endian float32 (uint8 if the name ends in .u8).
"""

import json
import math
import sys
from pathlib import Path

import torch
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as F

folder = Path(sys.argv[1])
torch.manual_seed(20240110)
torch.set_num_threads(1)
cases = []


def save(name, tensor):
    tensor = tensor.contiguous()
    file = name + (".u8" if tensor.dtype == torch.uint8 else ".f32")
    (folder / file).write_bytes(tensor.numpy().tobytes())
    return {"file": file, "shape": list(tensor.shape)}


def case(op, inputs, params, output):
    name = f"{len(cases):03d}-{op}"
    cases.append(
        {"op": op, "params": params, "input": save(name + "-in", inputs), "output": save(name + "-out", output)}
    )


def resized_crop(image, box, crop):
    return F.resized_crop(image, *box, [crop, crop], InterpolationMode.BILINEAR, antialias=True)


def photos(count, size):
    """Smooth colours with noise, and corners of pure black, white, grey, red and clipped values."""
    image = torch.nn.functional.interpolate(torch.rand(count, 3, 5, 5), size=(size, size), mode="bicubic")
    image = (image + 0.2 * torch.randn(count, 3, size, size)).clamp(0, 1)
    image[:, :, :3, :3] = 0
    image[:, :, :3, -3:] = 1
    image[:, :, -3:, :3] = 0.5
    image[:, 0, -3:, -3:], image[:, 1:, -3:, -3:] = 1, 0
    return image


for size, crop in ((40, 16), (40, 40), (33, 57), (64, 32)):
    for box in ((0, 0, size, size), (3, 5, 20, 27), (7, 0, size - 7, 9), (1, size - 11, 30, 11), (12, 13, 1, 2)):
        image = photos(1, size)
        case("resized_crop", image, {"box": box, "crop": crop, "flip": 0}, resized_crop(image, box, crop))
        case("resized_crop", image, {"box": box, "crop": crop, "flip": 1}, F.hflip(resized_crop(image, box, crop)))

for name in ("brightness", "contrast", "saturation"):
    for factor in (0.0, 0.6, 1.0, 1.4, 2.5):
        image = photos(2, 24)
        output = torch.stack([getattr(F, "adjust_" + name)(i, factor) for i in image])
        case(name, image, {"factor": factor}, output)
for factor in (-0.5, -0.1, -0.03, 0.0, 0.07, 0.1, 0.5):
    image = photos(2, 24)
    case("hue", image, {"factor": factor}, F.adjust_hue(image, factor))

image = photos(3, 24)
case("grayscale", image, {}, F.rgb_to_grayscale(image, 3))
image = photos(3, 24)
image[0, :, 0] = torch.tensor([127, 128]).div(255).repeat(12)
case("solarize", image, {}, F.solarize(image, 128 / 255))
image = photos(3, 24)
case("normalize", image, {}, F.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

for kernel, sigma, size in (
    (3, 0.0143, 32),
    (3, 0.28, 32),
    (23, 0.1, 40),
    (23, 0.7, 40),
    (23, 2.0, 40),
    (11, 5.0, 32),
    (31, 10.0, 48),
    (31, 10.0, 16),
    (11, 5.0, 6),
):
    image = photos(3, size)
    case("gaussian_blur", image, {"kernel": kernel, "sigma": sigma}, F.gaussian_blur(image, [kernel] * 2, [sigma] * 2))
    image = torch.randn(2, 3, size, size + 7)
    case("gaussian_blur", image, {"kernel": kernel, "sigma": sigma}, F.gaussian_blur(image, [kernel] * 2, [sigma] * 2))

jitter = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
for view in json.loads((folder / "request.json").read_text())["views"]:
    stored = (photos(1, view["size"]) * 255).round().to(torch.uint8)
    image = resized_crop(stored.float() / 255, view["box"], view["crop"])
    if view["jitter"]:
        for operation in view["order"]:
            image = jitter[operation](image, view["factors"][operation])
    if view["gray"]:
        image = F.rgb_to_grayscale(image, 3)
    if view["sigma"] > 0:
        image = F.gaussian_blur(image, [view["kernel"]] * 2, [view["sigma"]] * 2)
    if view["flip"]:
        image = F.hflip(image)
    case("view", stored, view, F.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

for height, width in ((100, 100), (60, 300), (333, 80)):
    drawn = torch.tensor(
        [RandomResizedCrop.get_params(torch.empty(3, height, width), [0.2, 1], [3 / 4, 4 / 3]) for _ in range(4000)],
        dtype=torch.float32,
    )
    case("crop_distribution", torch.zeros(1), {"height": height, "width": width}, drawn)

(folder / "goldens.json").write_text(json.dumps(cases))
