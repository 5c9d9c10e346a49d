"""R-C4 put together from torchvision's parts: what it finds, its losses and their gradients."""
import sys

import torch
from torchvision.ops import FrozenBatchNorm2d

from c4_model import c4, our_name
from detection_goldens import add_case, spread
from golden import Goldens
from narrow_resnet import NarrowResNet

depth, width, kind = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.manual_seed(6)
with_masks = kind == "mask"
net = c4(
    # A norm that follows a norm leaves the first one's biases no gradient but rounding; frozen ones have none to compare.
    NarrowResNet(depth, width, FrozenBatchNorm2d),
    5,
    extra_norm=kind == "norm",
    masks=with_masks,
    sizes=(16, 32, 64, 128),
    min_size=96,
    max_size=192,
    rpn_pre_nms_top_n_train=200,
    rpn_pre_nms_top_n_test=100,
    rpn_post_nms_top_n_train=40,
    rpn_post_nms_top_n_test=20,
    rpn_batch_size_per_image=64,
    box_batch_size_per_image=8,
    box_score_thresh=0.1,
    box_detections_per_img=20,
)
spread(net, "bn2" if depth == 18 else "bn3")
with Goldens(sys.argv[1]) as goldens:
    add_case(goldens, net, with_masks, our_name)
