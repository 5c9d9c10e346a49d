"""PyTorch's results of operators whose arguments are easy to confuse: order, defaults, overloads, keywords."""
import sys

import torch
from torch.nn import functional as F

from golden import Goldens

torch.manual_seed(5)
image = torch.randn(2, 4, 9, 7)
matrix = torch.randn(6, 5)
weight = torch.randn(6, 2, 3, 3)
bias = torch.randn(6)
classes = torch.tensor([0, 3, 4, 1, 0, 2])
class_weight = torch.rand(5)
order = torch.tensor([4, 0, 4, 2])

results = {
    "conv2d": F.conv2d(image, weight, bias, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
    "avgPool2d": F.avg_pool2d(image, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "maxPool2d": F.max_pool2d(image, 3, 2, 1, ceil_mode=True),
    "adaptiveAvgPool2d": F.adaptive_avg_pool2d(image, (4, 3)),
    "upsampleBicubic2d": F.interpolate(image, (5, 11), mode="bicubic", align_corners=True),
    "upsampleBilinear2d": F.interpolate(image, (5, 11), mode="bilinear", align_corners=True),
    "upsampleBilinear2dAa": F.interpolate(image, (4, 3), mode="bilinear", antialias=True),
    "upsampleNearest2d": F.interpolate(image, (18, 5)),
    "reflectionPad2d": F.pad(image, (1, 2, 3, 4), mode="reflect"),
    "constantPadNd": F.pad(image, (1, 0, 2, 1), value=0.5),
    "unfold": image.unfold(3, 3, 2),
    "roll": image.roll((1, -2), (2, 3)),
    "flip": image.flip(1, 3),
    "rfft2": torch.view_as_real(torch.fft.rfft2(image, norm="ortho")),
    "irfft2": torch.fft.irfft2(torch.fft.rfft2(image), s=(9, 7)),
    "gelu": F.gelu(matrix),
    "layerNorm": F.layer_norm(matrix, (5,), weight.flatten()[:5], matrix[0], eps=0.1),
    "crossEntropy": F.cross_entropy(matrix, classes, class_weight, label_smoothing=0.1),
    "crossEntropyEach": F.cross_entropy(matrix, classes, reduction="none"),
    "logSoftmax": matrix.log_softmax(0),
    "logsumexp": matrix.logsumexp((0, 1), keepdim=True),
    "std": matrix.std(1, unbiased=False, keepdim=True),
    "variance": matrix.var((0, 1)),
    "norm": matrix.norm(3, 1),
    "vectorNorm": torch.linalg.vector_norm(matrix, float("inf"), dim=0),
    "addmm": torch.addmm(bias[:5], matrix, matrix.t() @ matrix, beta=2, alpha=0.5),
    "cumsum": matrix.cumsum(1),
    "sorted": matrix.sort(1, descending=True).values,
    "indices": matrix.sort(1, descending=True).indices,
    "topk": matrix.topk(2, 0, largest=False).values,
    "gather": matrix.gather(1, classes[:, None]),
    "indexSelect": matrix.index_select(1, order),
    "index": matrix[:, order],
    "scatter": matrix.scatter(1, classes[:, None], 9.0),
    "where": torch.where(matrix > 0, matrix, -2 * matrix),
    "lerp": matrix.clone().lerp_(torch.ones_like(matrix), 0.25),
    "pow": matrix.abs() ** 1.5,
    "remainder": matrix.remainder(0.3),
    "fmod": matrix.fmod(0.3),
    "clamp": matrix.clamp(min=-0.5),
    "repeatInterleave": matrix.repeat_interleave(2, 1),
    "oneHot": F.one_hot(classes, 6),
    "subAlpha": matrix.sub(matrix.exp(), alpha=3),
}
with Goldens(sys.argv[1]) as goldens:
    inputs = {"image": image, "matrix": matrix, "weight": weight, "bias": bias, "classes": classes}
    inputs.update({"class_weight": class_weight, "order": order})
    goldens.add_all("input/", inputs.items())
    goldens.add_all("result/", results.items())
