"""torchvision's ResNets with any width: its parts and its names, with fewer channels."""
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

LAYERS = {
    18: (BasicBlock, [2, 2, 2, 2]),
    34: (BasicBlock, [3, 4, 6, 3]),
    50: (Bottleneck, [3, 4, 6, 3]),
    101: (Bottleneck, [3, 4, 23, 3]),
}


class NarrowResNet(ResNet):
    """The first stage has `width` channels instead of 64. Without a classifier."""

    def __init__(self, depth, width, norm_layer=nn.BatchNorm2d):
        self.width = width
        super().__init__(*LAYERS[depth], norm_layer=norm_layer)
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(width)
        self.fc = nn.Identity()

    def _make_layer(self, block, planes, *args, **options):
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, *args, **options)
