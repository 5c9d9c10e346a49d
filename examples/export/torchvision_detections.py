"""What a detector finds in photos, by an export of `salmask export RUN --to torchvision`.

usage: torchvision_detections.py EXPORT PHOTO...

EXPORT is the export's folder. Prints JSON: for each photo its boxes, labels (from 1, in the order of the categories) and scores.
Needs torch (1.13 or later), torchvision and Pillow.
"""
import json
import os
import sys

import torch
from PIL import Image
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.transforms.functional import pil_to_tensor


def load(folder):
    """The detector that the export describes."""
    with open(os.path.join(folder, "salmask.json")) as file:
        about = json.load(file)["torchvision"]
    body = resnet_fpn_backbone(backbone_name=about["backbone"], weights=None, norm_layer=torch.nn.BatchNorm2d)
    sizes = tuple((size,) for size in about["anchorSizes"])
    anchors = AnchorGenerator(sizes, (tuple(about["aspectRatios"]),) * len(sizes))
    network = getattr(detection, about["name"])(body, rpn_anchor_generator=anchors, **about["arguments"])
    network.load_state_dict(torch.load(os.path.join(folder, "model.pth"), weights_only=True))
    return network.eval()


folder, *photos = sys.argv[1:]
network = load(folder)
with torch.no_grad():
    found = network([pil_to_tensor(Image.open(photo).convert("RGB")) / 255 for photo in photos])
print(json.dumps([{name: one[name].tolist() for name in ("boxes", "labels", "scores")} for one in found]))
