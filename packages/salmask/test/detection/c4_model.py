"""R-C4 put together from torchvision's parts: a ResNet's last stage as the head of its regions."""
from collections import OrderedDict

from torch import nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign, roi_align


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


def c4(trunk, classes, *, extra_norm=False, masks=False, sizes=(32, 64, 128, 256, 512), **options):
    """On torchvision's ResNet `trunk`; `classes` with the background; `sizes` of anchors; `options` are `FasterRCNN`'s."""
    features = trunk.inplanes
    stage, norm = trunk.layer4, nn.BatchNorm2d(features) if extra_norm else nn.Identity()
    body = nn.Sequential(OrderedDict(body=IntermediateLayerGetter(trunk, {"layer3": "0"})))
    body.out_channels = features // 2
    options.update(
        rpn_anchor_generator=AnchorGenerator((sizes,), ((0.5, 1.0, 2.0),)),
        box_roi_pool=Pool(["0"], 14, 0),
        box_head=Head(stage, norm),
        box_predictor=FastRCNNPredictor(features, classes),
    )
    if not masks:
        return FasterRCNN(body, **options)
    # The same stage without the mean, and no convolutions of its own.
    predictor = MaskRCNNPredictor(features, 256, classes)
    return MaskRCNN(body, **options, mask_roi_pool=Pool(["0"], 14, 0), mask_head=stage, mask_predictor=predictor)


def our_name(name):
    """The stage is the trunk's; here it is in the heads, and twice where it finds masks too."""
    for prefix in ("roi_heads.box_head.stage.", "roi_heads.mask_head."):
        if name.startswith(prefix):
            return "backbone.body.layer4." + name[len(prefix) :]
    return name
