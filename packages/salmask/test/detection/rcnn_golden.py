"""torchvision's Faster or Mask R-CNN with a ResNet-50 and a pyramid: what a narrow one finds, its losses and their gradients,
and the shapes of its own one.
"""
import sys

import torch
from torch import nn
from torchvision.models.detection import FasterRCNN, MaskRCNN, fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d

from detection_goldens import add_case, spread
from golden import Goldens
from narrow_resnet import NarrowResNet

kind, norm = sys.argv[2], sys.argv[3]
width, channels, head_width = (int(text) for text in sys.argv[4:])
torch.manual_seed(5)

trunk = NarrowResNet(50, width, FrozenBatchNorm2d if norm == "frozen" else nn.BatchNorm2d)
if norm == "frozen":
    for name, parameter in trunk.named_parameters():
        parameter.requires_grad_(name.startswith(("layer2", "layer3", "layer4")))
body = BackboneWithFPN(
    trunk,
    {f"layer{level + 1}": str(level) for level in range(4)},
    [trunk.inplanes // 8 * 2**level for level in range(4)],
    channels,
)
heads = {
    "box_head": TwoMLPHead(channels * 7 * 7, head_width),
    "box_predictor": FastRCNNPredictor(head_width, 5),
}
if kind == "mask":
    heads["mask_head"] = MaskRCNNHeads(channels, [channels] * 4, 1)
    heads["mask_predictor"] = MaskRCNNPredictor(channels, channels, 5)
net = (MaskRCNN if kind == "mask" else FasterRCNN)(
    body,
    **heads,
    min_size=96,
    max_size=192,
    rpn_pre_nms_top_n_train=200,
    rpn_pre_nms_top_n_test=100,
    rpn_post_nms_top_n_train=100,
    rpn_post_nms_top_n_test=50,
    rpn_batch_size_per_image=64,
    box_batch_size_per_image=32,
    box_score_thresh=0.1,
    box_detections_per_img=20,
)
spread(net, "bn3")
with Goldens(sys.argv[1]) as goldens:
    add_case(goldens, net, kind == "mask")
    build = maskrcnn_resnet50_fpn if kind == "mask" else fasterrcnn_resnet50_fpn
    usual = build(weights=None, weights_backbone=None, num_classes=5)
    goldens.add_all("shape/", ((name, torch.tensor(value.shape)) for name, value in usual.state_dict().items()))
