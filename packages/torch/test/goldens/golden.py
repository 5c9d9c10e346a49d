"""Writes tensors as raw little-endian float32 with a manifest, because Debian has no Python package of safetensors."""
import json
import os

import torch

# A fixed order of summation, which a test can also set in the engine.
torch.set_num_threads(1)


class Goldens:
    def __init__(self, folder):
        self.folder = folder
        self.entries = {}

    def __enter__(self):
        self.file = open(os.path.join(self.folder, "tensors.bin"), "wb")
        return self

    def __exit__(self, *_):
        self.file.close()
        with open(os.path.join(self.folder, "manifest.json"), "w") as manifest:
            json.dump({"torch": torch.__version__, "tensors": self.entries}, manifest)

    def add(self, name, tensor):
        array = tensor.detach().to(torch.float32).contiguous().numpy()
        self.entries[name] = {"shape": list(array.shape), "offset": self.file.tell()}
        self.file.write(array.tobytes())

    def add_all(self, prefix, tensors):
        for name, tensor in tensors:
            self.add(prefix + name, tensor)
