"""usage: peer_check.py TASK. Prints how far parts of bench/rival/peer.py are from torchvision's own, as largest differences."""
import json
import sys
from pathlib import Path

import torch
from torch import nn
from torchvision.transforms import functional as F

sys.path.insert(0, str(Path(__file__).parents[4] / "bench" / "rival"))
import peer

torch.manual_seed(3)
photos = torch.rand(24, 3, 32, 32)
photos[0] = photos[0, :1].clone()  # grey: no hue
apart = {}


def compare(name, one, other):
    apart[name] = (torch.as_tensor(one) - torch.as_tensor(other)).abs().max().item()


boxes = peer.draw_crops(len(photos), 32, 32)
expected = []
for photo, *box, flipped in zip(photos, *(part.tolist() for part in boxes)):
    view = F.resized_crop(photo, *(int(number) for number in box), [peer.crop, peer.crop], antialias=True)
    expected.append(F.hflip(view) if flipped else view)
compare("crops", peer.resized_crops(photos, *boxes), torch.stack(expected))

adjust = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
}
for name, operation in peer.operations.items():
    low, high = (-0.1, 0.1) if name == "hue" else (0.6, 1.4)
    factors = peer.uniform(low, high, len(photos), 1, 1, 1)
    single = [adjust[name](photo, factor.item()) for photo, factor in zip(photos, factors)]
    compare(name, operation(photos, factors), torch.stack(single))
compare("luma", peer.luma(photos), F.rgb_to_grayscale(photos))

# The groups of a split norm are every `groups`-th photo.
split, plain = peer.SplitNorm(3), nn.BatchNorm2d(3)
whole = split(photos)
for group in range(peer.groups):
    compare(f"group {group}", whole[group :: peer.groups], plain(photos[group :: peer.groups]))

# With norms that do not depend on the batch, shuffling leaves no trace.
moco = peer.Moco("split")
moco.key.eval()
with torch.no_grad():
    compare("keys", moco.keys(photos), moco.encode(moco.key, photos))
print(json.dumps(apart))
