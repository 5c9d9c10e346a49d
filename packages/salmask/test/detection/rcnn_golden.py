"""torchvision's Faster or Mask R-CNN with a ResNet-50 and a pyramid: what it finds, its losses and their gradients."""
import sys

import torch
from torchvision.models.detection import fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn
from torchvision.models.resnet import resnet50
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from detection_goldens import add_case, spread
from golden import Goldens

kind, norm = sys.argv[2], sys.argv[3]
torch.manual_seed(4)
build = maskrcnn_resnet50_fpn if kind == "mask" else fasterrcnn_resnet50_fpn
net = build(
    weights=None,
    weights_backbone=None,
    num_classes=5,
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
if norm == "frozen":
    frozen = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    net.backbone = _resnet_fpn_extractor(frozen, 3)
spread(net, "bn3")
with Goldens(sys.argv[1]) as goldens:
    add_case(goldens, net, kind == "mask")
