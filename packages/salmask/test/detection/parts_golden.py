"""torchvision's own parts of a detector, one at a time: `parts_golden.py FOLDER PART`."""
import inspect
import sys

import torch
from torchvision.models.detection import FasterRCNN, _utils as detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import paste_masks_in_image, project_masks_on_boxes
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign, boxes as box_ops
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from golden import Goldens

torch.manual_seed(5)


def boxes_within(count, height, width, least=0.0):
    corners = torch.rand(count, 2) * torch.tensor([width, height]) * 0.8
    sides = least + torch.rand(count, 2) * torch.tensor([width, height]) * 0.5
    return torch.cat([corners, corners + sides], dim=1)


def anchors(goldens):
    # The second level does not divide the picture evenly; the last sizes round to half pixels.
    sizes = ((32, 64), (48, 71), (5, 13))
    generator = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 3)
    maps = [torch.zeros(2, 4, 12, 20), torch.zeros(2, 4, 5, 7), torch.zeros(2, 4, 3, 3)]
    images = ImageList(torch.zeros(2, 3, 96, 160), [(90, 160), (96, 150)])
    goldens.add("anchors", generator(images, maps)[0])


def coder(goldens):
    reference, proposals = boxes_within(50, 100, 120, 2), boxes_within(50, 100, 120, 2)
    changes = torch.randn(50, 12) * 2
    goldens.add("reference", reference)
    goldens.add("proposals", proposals)
    goldens.add("changes", changes)
    for name, weights in (("anchor", (1.0, 1.0, 1.0, 1.0)), ("proposal", (10.0, 10.0, 5.0, 5.0))):
        box_coder = detection.BoxCoder(weights)
        goldens.add(f"encoded/{name}", box_coder.encode_single(reference, proposals))
        goldens.add(f"decoded/{name}", box_coder.decode(changes, [proposals]))


def boxes(goldens):
    a, b = boxes_within(20, 100, 120), boxes_within(33, 100, 120)
    b[3, 2:] = b[3, :2]  # without area
    goldens.add("a", a)
    goldens.add("b", b)
    goldens.add("overlaps", box_ops.box_iou(a, b))
    goldens.add("clipped", box_ops.clip_boxes_to_image(a * 1.3 - 20, (90, 100)))
    goldens.add("large", box_ops.remove_small_boxes(a, 20.0))
    for count in (300, 2500):  # on both sides of where torchvision changes its way
        many, scores = boxes_within(count, 100, 120), torch.rand(count)
        groups = torch.randint(1, 6, (count,))
        goldens.add(f"{count}/boxes", many)
        goldens.add(f"{count}/scores", scores)
        goldens.add(f"{count}/groups", groups)
        goldens.add(f"{count}/kept", box_ops.batched_nms(many, scores, groups, 0.4))


def matcher(goldens):
    overlaps = torch.rand(6, 200) ** 2
    overlaps[2] *= 0.2  # an object that no box shows well, and one that shows no other better
    overlaps[:, 50] = torch.tensor([0.01, 0.01, 0.25, 0.01, 0.01, 0.01])
    overlaps[4, 7] = overlaps[4, 11] = 1.0  # two boxes that show one equally well
    goldens.add("overlaps", overlaps)
    for name, low_quality in (("strict", False), ("lenient", True)):
        goldens.add(name, detection.Matcher(0.7, 0.3, low_quality)(overlaps.clone()))


def pool(goldens):
    pooler = MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
    maps = {str(i): torch.randn(2, 5, 64 >> i, 96 >> i) for i in range(4)}
    for map_ in maps.values():
        map_.requires_grad_()
    found = [boxes_within(40, 256, 384, 4) * s for s in (1.0, 0.4)]
    # Areas on the borders between levels.
    found[0][:3] = torch.tensor([[0, 0, 112, 112], [10, 10, 234, 234], [0, 0, 448, 448.0]])
    pooled = pooler(maps, found, [(256, 384), (250, 380)])
    projection = torch.randn_like(pooled)
    (pooled * projection).sum().backward()
    goldens.add_all("maps/", maps.items())
    goldens.add_all("gradient/", ((name, map_.grad) for name, map_ in maps.items()))
    goldens.add_all("boxes/", ((str(i), boxes_) for i, boxes_ in enumerate(found)))
    goldens.add("pooled", pooled)
    goldens.add("projection", projection)
    goldens.add("levels", pooler.map_levels(found))


def pyramid(goldens):
    for norm in (None, torch.nn.BatchNorm2d):
        name = "plain" if norm is None else "norm"
        net = FeaturePyramidNetwork([6, 10, 12], 8, extra_blocks=LastLevelMaxPool(), norm_layer=norm)
        maps = {str(i): torch.randn(2, c, h, w) for i, (c, h, w) in enumerate(((6, 20, 27), (10, 10, 14), (12, 5, 7)))}
        goldens.add_all(f"{name}/state/", net.state_dict().items())
        goldens.add_all(f"{name}/in/", maps.items())
        goldens.add_all(f"{name}/out/", net(maps).items())


def masks(goldens):
    side = 28
    chances, found = torch.rand(9, 1, side, side), boxes_within(9, 60, 80)
    found[0] = torch.tensor([-5.0, -7.0, 20.0, 30.0])  # over the upper left corner
    found[1] = torch.tensor([60.0, 40.0, 95.0, 75.0])  # over the lower right one
    found[2] = torch.tensor([10.2, 10.1, 10.7, 10.9])  # within a pixel
    goldens.add("chances", chances[:, 0])
    goldens.add("boxes", found)
    goldens.add("pasted", paste_masks_in_image(chances, found, (60, 80))[:, 0])
    truths = (torch.rand(4, 60, 80) > 0.5).to(torch.uint8)
    objects = torch.randint(0, 4, (9,))
    goldens.add("truths", truths)
    goldens.add("objects", objects)
    goldens.add("targets", project_masks_on_boxes(truths, found, objects, side))


def resize(goldens):
    transform = GeneralizedRCNNTransform(100, 150, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    sizes = ((75, 90), (211, 133), (40, 110))  # larger, smaller, and bounded by the longer side
    photos = [torch.rand(3, *size) for size in sizes]
    targets = [
        {"boxes": boxes_within(3, *size, 2), "masks": (torch.rand(3, *size) > 0.5).to(torch.uint8)} for size in sizes
    ]
    goldens.add_all("photo/", ((str(i), photo) for i, photo in enumerate(photos)))
    for name in ("boxes", "masks"):
        goldens.add_all(f"{name}/", ((str(i), target[name]) for i, target in enumerate(targets)))
    images, resized = transform.train()(photos, targets)
    goldens.add("pictures", images.tensors)
    goldens.add("sizes", torch.tensor(images.image_sizes))
    for name in ("boxes", "masks"):
        goldens.add_all(f"resized/{name}/", ((str(i), target[name]) for i, target in enumerate(resized)))


def defaults(goldens):
    for name, parameter in inspect.signature(FasterRCNN.__init__).parameters.items():
        if isinstance(parameter.default, (int, float)):
            goldens.add(name, torch.tensor(float(parameter.default)))


with Goldens(sys.argv[1]) as goldens:
    globals()[sys.argv[2]](goldens)
