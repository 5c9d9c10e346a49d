"""What a torchvision detector finds and loses on drawn photos, with what it sampled: shared by the scripts of this folder."""
import copy

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.ops import FrozenBatchNorm2d


def spread(net, residual):
    """
    Norms whose statistics are not alike. What they give is mostly above 0: where values lie at a ReLU's corner, rounding
    decides which gradients pass, there and here, and the comparison would be of rounding.
    """
    with torch.no_grad():
        for name, module in net.named_modules():
            if isinstance(module, (nn.BatchNorm2d, FrozenBatchNorm2d)):
                module.weight.uniform_(0.2, 0.36)
                module.bias.uniform_(0.8, 1.2)
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                if name.endswith(residual):
                    module.weight.mul_(0.3)
                    module.bias.mul_(0.1)


def calibrate(net, photos):
    """Scales what was never trained, so that scores differ and boxes move, and lifts what goes into the mask head's ReLUs."""
    heads = net.roi_heads
    wanted = {
        net.rpn.head.cls_logits: 1.0,
        net.rpn.head.bbox_pred: 0.3,
        heads.box_predictor.bbox_pred: 1.0,
        heads.box_predictor.cls_score: 2.0,
    }

    def scale(layer, _, output):
        hooks.pop(layer).remove()
        mean = output.mean([0, *range(2, output.dim())])
        shape = [-1] + [1] * (output.dim() - 2)
        centred = output - mean.view(shape)
        factor = wanted[layer] / centred.std()
        layer.weight.mul_(factor)
        layer.bias.copy_(factor * (layer.bias - mean))
        return centred * factor

    def lift(layer, _, output):
        hooks.pop(layer).remove()
        dims = [0, *range(2, output.dim())]
        shift = 2 * output.std(dims) - output.mean(dims)
        layer.bias.add_(shift)
        return output + shift.view([-1] + [1] * (output.dim() - 2))

    before_relu = []
    if heads.has_mask():
        before_relu += [block[0] for block in heads.mask_head if isinstance(block, nn.Sequential)]
        before_relu.append(heads.mask_predictor.conv5_mask)
    # Each layer once, on the first output that it makes.
    hooks = {layer: layer.register_forward_hook(scale) for layer in wanted}
    hooks.update({layer: layer.register_forward_hook(lift) for layer in before_relu})
    with torch.no_grad():
        net.eval()(photos)


def photo(height, width):
    """Blobs of colour, `[3, height, width]` in [0, 1]."""
    coarse = torch.rand(1, 3, height // 12, width // 12)
    return F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0].clamp(0, 1)


def target(height, width, boxes, with_masks):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    found = {"boxes": boxes, "labels": torch.arange(len(boxes)) % 4 + 1}
    if with_masks:
        # Ellipses within the boxes.
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        masks = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes):
            mask[:] = ((2 * x - left - right) / (right - left)) ** 2 + ((2 * y - top - bottom) / (bottom - top)) ** 2 < 1
        found["masks"] = masks
    return found


def scene(with_masks):
    """Photos of several sizes, the last without objects."""
    sizes = ((150, 200), (120, 100), (96, 128))
    boxes = (
        [[20, 30, 90, 120], [100, 10, 190, 60], [95, 70, 150, 145]],
        [[10, 15, 60, 110], [40, 40, 95, 90]],
        [],
    )
    photos = [photo(*size) for size in sizes]
    return photos, [target(*size, of_photo, with_masks) for size, of_photo in zip(sizes, boxes)]


def add_case(goldens, net, with_masks, names=lambda name: name):
    photos, targets = scene(with_masks)
    calibrate(net, photos)
    goldens.add_all("state/", ((names(name), tensor) for name, tensor in net.state_dict().items()))
    for i, (picture, truth) in enumerate(zip(photos, targets)):
        goldens.add(f"photo/{i}", picture)
        goldens.add_all(f"truth/{i}/", truth.items())
    with torch.no_grad():
        for i, found in enumerate(net.eval()(photos)):
            goldens.add_all(f"found/{i}/", found.items())

    net.train()
    # What it samples: places among the anchors, and the boxes of the proposals.
    sample_anchors = net.rpn.fg_bg_sampler
    select = net.roi_heads.select_training_samples
    sampled = {}

    def anchors(labels):
        positives, negatives = sampled["anchors"] = sample_anchors(labels)
        for i, masks in enumerate(zip(positives, negatives)):
            for name, mask in zip(("positives", "negatives"), masks):
                goldens.add(f"anchors/{i}/{name}", torch.where(mask)[0])
        return positives, negatives

    def proposals(*args):
        selected = sampled["proposals"] = select(*args)
        for i, (boxes, labels) in enumerate(zip(selected[0], selected[2])):
            goldens.add(f"proposals/{i}/boxes", boxes)
            goldens.add(f"proposals/{i}/labels", labels)
        return selected

    net.rpn.fg_bg_sampler = anchors
    net.roi_heads.select_training_samples = proposals
    losses = net(photos, targets)
    goldens.add_all("loss/", losses.items())
    goldens.add_all("gradient/", named_gradients(net, losses, names))
    judge = in_float64(net, sampled)
    exact = judge([picture.double() for picture in photos], [doubled(truth) for truth in targets])
    goldens.add_all("exact/gradient/", named_gradients(judge, exact, names))


def named_gradients(net, losses, names):
    net.zero_grad()
    sum(losses.values()).backward()
    return [(names(name), p.grad) for name, p in net.named_parameters() if p.grad is not None]


def doubled(values):
    return {name: value.double() if value.is_floating_point() else value for name, value in values.items()}


def in_float64(net, sampled):
    """The same network, which learns from what was sampled in float32."""
    judge = copy.deepcopy(net).double()
    heads = judge.roi_heads
    boxes, places, labels, _ = sampled["proposals"]
    boxes = [of_photo.double() for of_photo in boxes]

    def select(_, targets):
        truths = [truth["boxes"] if len(truth["boxes"]) > 0 else torch.zeros(1, 4).double() for truth in targets]
        matched = [truth[of_photo] for truth, of_photo in zip(truths, places)]
        return boxes, places, labels, heads.box_coder.encode(matched, boxes)

    judge.rpn.fg_bg_sampler = lambda _: sampled["anchors"]
    heads.select_training_samples = select
    return judge
