"""R-C4 put together from torchvision's parts: a ResNet's last stage as the head of its regions."""
import sys
from collections import OrderedDict

import torch
from torch import nn
from torchvision.models import resnet18, resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign, roi_align

from detection_goldens import add_case, spread
from golden import Goldens

depth, kind = sys.argv[2], sys.argv[3]
torch.manual_seed(6)


class Pool(MultiScaleRoIAlign):
    """One level of stride 16, as Detectron2 aligns regions."""

    def forward(self, maps, boxes, image_shapes):
        return roi_align(maps["0"], boxes, self.output_size, 1 / 16, sampling_ratio=0, aligned=True)


class Head(nn.Module):
    def __init__(self, stage, norm):
        super().__init__()
        self.stage, self.norm = stage, norm

    def forward(self, regions):
        return self.norm(self.stage(regions)).mean([2, 3])


with_masks = kind == "mask"
build = resnet18 if depth == "18" else resnet50
# A norm that follows a norm leaves the first one's biases no gradient but rounding; frozen ones have none to compare.
trunk = build(weights=None, norm_layer=FrozenBatchNorm2d)
width = trunk.fc.in_features
stage, norm = trunk.layer4, nn.BatchNorm2d(width) if kind == "norm" else nn.Identity()
body = nn.Sequential(OrderedDict(body=IntermediateLayerGetter(trunk, {"layer3": "0"})))
body.out_channels = width // 2
options = dict(
    min_size=128,
    max_size=256,
    rpn_anchor_generator=AnchorGenerator(((16, 32, 64, 128),), ((0.5, 1.0, 2.0),)),
    box_roi_pool=Pool(["0"], 14, 0),
    box_head=Head(stage, norm),
    box_predictor=FastRCNNPredictor(width, 5),
    rpn_pre_nms_top_n_train=200,
    rpn_pre_nms_top_n_test=100,
    rpn_post_nms_top_n_train=60,
    rpn_post_nms_top_n_test=30,
    rpn_batch_size_per_image=64,
    box_batch_size_per_image=16,
    box_score_thresh=0.1,
    box_detections_per_img=20,
)
if with_masks:
    # The same stage without the mean, and no convolutions of its own.
    masks = dict(mask_roi_pool=Pool(["0"], 14, 0), mask_head=stage, mask_predictor=MaskRCNNPredictor(width, 256, 5))
    net = MaskRCNN(body, **options, **masks)
else:
    net = FasterRCNN(body, **options)
spread(net, "bn2" if depth == "18" else "bn3")


def ours(name):
    """The stage is the trunk's; here it is in the heads, and twice where it finds masks too."""
    for prefix in ("roi_heads.box_head.stage.", "roi_heads.mask_head."):
        if name.startswith(prefix):
            return "backbone.body.layer4." + name[len(prefix) :]
    return name


with Goldens(sys.argv[1]) as goldens:
    add_case(goldens, net, with_masks, ours)
