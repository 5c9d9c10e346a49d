"""A small network that PyTorch exports to ONNX, for the tests.

usage: onnx_golden.py FOLDER

Writes FOLDER/free.onnx (any number of pictures of any size) and FOLDER/single.onnx (one picture of 8 x 12), and prints
JSON: {"input": [2 * 3 * 8 * 12], "map": [2 * 8 * 12]}, the network's output for two pictures.
"""

import json
import sys

import torch

torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 3, padding=1), torch.nn.Sigmoid()).eval()
pictures = torch.randn(2, 3, 8, 12)
folder = sys.argv[1]
free = {"input": {0: "n", 2: "h", 3: "w"}}
names = {"input_names": ["input"], "output_names": ["saliency"]}
torch.onnx.export(network, pictures, f"{folder}/free.onnx", dynamic_axes=free, **names)
torch.onnx.export(network, pictures[:1], f"{folder}/single.onnx", **names)
with torch.no_grad():
    answer = network(pictures)
print(json.dumps({"input": pictures.flatten().tolist(), "map": answer.flatten().tolist()}))
