"""Writes files of torch.save, kind and harmful, into a folder; prints the values of their tensors as JSON."""

import collections
import json
import os
import pickle
import struct
import sys
import zipfile

import torch

folder = sys.argv[1]
at = lambda name: os.path.join(folder, name)

torch.manual_seed(1)
base = torch.randn(4, 6)
state = collections.OrderedDict(
    [
        ("module.encoder_q.conv1.weight", torch.randn(2, 3, 3, 3)),
        ("module.encoder_q.last", torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)),
        ("half", torch.randn(5).half()),
        ("bfloat", torch.randn(5).bfloat16()),
        ("double", torch.randn(2, 2).double()),
        ("count", torch.tensor(7)),
        ("bytes", torch.arange(5, dtype=torch.uint8)),
        ("signs", torch.tensor([True, False, True])),
        ("transposed", base.t()),
        ("part", base[1:3, ::2]),
        ("empty", torch.zeros(0, 3)),
        ("parameter", torch.nn.Parameter(torch.randn(3))),
    ]
)
state._metadata = {"": {"version": 1}}
content = {
    "epoch": 3,
    "arch": "resnet50",
    "lr": 0.03,
    "big": 2**70,
    "negative": -5,
    "state_dict": state,
    "optimizer": {"state": {0: {"momentum_buffer": torch.randn(2)}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]},
}
torch.save(content, at("new.pth"))
torch.save(content, at("old.pth"), _use_new_zipfile_serialization=False)
torch.save(content, at("protocol4.pth"), pickle_protocol=4)
torch.save(content, at("old-protocol4.pth"), pickle_protocol=4, _use_new_zipfile_serialization=False)


class Harm:
    def __reduce__(self):
        return (os.system, ("touch " + at("harmed"),))


torch.save({"a": Harm()}, at("harm-new.pth"))
torch.save({"a": Harm()}, at("harm-old.pth"), _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 2), at("module-new.pth"))
torch.save({"text": "no tensor"}, at("none.pth"))

nested = {}
for _ in range(200):
    nested = {"a": nested, "t": torch.zeros(1)}
torch.save(nested, at("nested.pth"))


def zipped(name, data, storages, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(at(name), "w", method) as archive:
        archive.writestr("archive/data.pkl", data)
        for key, content in storages.items():
            archive.writestr("archive/data/" + key, content)


def tensor(offset=0, size=(2,), stride=(1,), numel=2, key="0", kind="FloatStorage"):
    """The pickle of {"w": tensor}, by hand: torch.save would not write what does not fit."""
    out = b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(("
    text = lambda s: b"X" + struct.pack("<I", len(s)) + s.encode()
    number = lambda n: b"\x8a\x09" + n.to_bytes(9, "little", signed=True)
    out += text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + number(numel) + b"tQ"
    out += number(offset)
    for values in (size, stride):
        out += b"(" + b"".join(map(number, values)) + b"t"
    return out + b"\x89ccollections\nOrderedDict\n)RtRs."


eight = {"0": struct.pack("<2f", 1.5, -2)}
zipped("whole.pth", tensor(), eight)
zipped("beyond.pth", tensor(offset=1), eight)
zipped("negative-offset.pth", tensor(offset=-1), eight)
zipped("negative-size.pth", tensor(size=(-1,)), eight)
zipped("negative-stride.pth", tensor(stride=(-1,)), eight)
zipped("huge-stride.pth", tensor(stride=(2**62,)), eight)
zipped("huge-size.pth", tensor(size=(2**40, 2**40)), eight)
zipped("expanded.pth", tensor(size=(2**33,), stride=(0,)), eight)
zipped("huge-storage.pth", tensor(numel=2**60), eight)
zipped("other-size.pth", tensor(numel=3), eight)
zipped("no-storage.pth", tensor(key="1"), eight)
zipped("other-type.pth", tensor(kind="QInt8Storage"), eight)
zipped("bomb.pth", tensor(), {"0": bytes(2**26)}, zipfile.ZIP_DEFLATED)
zipped("deep.pth", b"\x80\x02" + b"(" * 100000 + b".", {})
zipped("many.pth", b"\x80\x02" + b"}" * 3000000 + b".", {})
zipped("cut-pickle.pth", tensor()[:-20], eight)
zipped("long-text.pth", b"\x80\x02X\xff\xff\xff\xff", {})
zipped("itself.pth", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", {})
# Each dictionary holds the one before ten times.
laughs = b"\x80\x02}q\x00"
for i in range(1, 13):
    entries = b"".join(b"X\x01\x00\x00\x00" + bytes([97 + k]) + b"h" + bytes([i - 1]) for k in range(10))
    laughs += b"}q" + bytes([i]) + b"(" + entries + b"u"
zipped("laughs.pth", laughs + b".", {})
# What a few bytes build again and again from one value: dictionaries from a list of pairs, tensors of many dimensions.
pairs = b"](" + b"K\x01K\x02\x86q\x02" + b"h\x02" * 19999 + b"e\x85q\x01"
zipped("copies.pth", b"\x80\x02" + pairs + b"ccollections\nOrderedDict\nq\x03" + b"h\x03h\x01R" * 150 + b".", {})
text = lambda s: b"X" + struct.pack("<I", len(s)) + s
storage = lambda key: b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(key) + text(b"cpu") + b"K\x02tQ"
sizes = b"(" + b"K\x01" * 64 + b"tq\x03h\x03"
cube = b"ctorch._utils\n_rebuild_tensor_v2\nq\x01(" + storage(b"0") + b"K\x00" + sizes + b"tq\x02"
zipped("dimensions.pth", b"\x80\x02" + cube + b"h\x01h\x02R" * 16000 + b".", eight)
# Long texts, each of which is held once and could be used many times.
head, whole = b"\x80\x02}", tensor()[len(b"\x80\x02}") : -1]
zipped("long-key.pth", head + storage(b"0" * 2**20) + b"0" + whole + b".", eight)
zipped("long-name.pth", head + text(b"torch") + text(b"int" + b"8" * 2**20) + b"\x930" + whole + b".", eight)
keys = b"".join(text(b"%d" % i) + b"h\x09" for i in range(20))
named = text(b"k" * 2**20) + b"}(" + text(b"t") + whole[6:-1] + b"q\x09" + keys + b"us."
zipped("long-names.pth", head + named, eight)

new = open(at("new.pth"), "rb").read()
old = open(at("old.pth"), "rb").read()
open(at("cut-new.pth"), "wb").write(new[: len(new) // 2])
open(at("cut-old.pth"), "wb").write(old[:-3])
# As long a header as makes a safetensors file begin with the bytes of a pickle's protocol.
open(at("counted.pth"), "wb").write(struct.pack("<Q", 0x0280) + b"{}".ljust(0x0280))
open(at("longer-old.pth"), "wb").write(old + b"abc")
flipped = bytearray(new)
flipped[new.index(state["double"].numpy().tobytes())] ^= 1
open(at("flipped.pth"), "wb").write(flipped)
whole = open(at("whole.pth"), "rb").read()
directory = whole.index(b"PK\x01\x02")
second = whole.index(b"PK\x01\x02", directory + 1)
overlapping = bytearray(whole)
overlapping[second + 42 : second + 46] = overlapping[directory + 42 : directory + 46]
open(at("overlapping.pth"), "wb").write(overlapping)
open(at("text.pth"), "wb").write(b"not a file of torch.save")
open(at("nothing.pth"), "wb").write(b"")

facts = {
    "state_dict." + name: {"shape": list(value.shape), "dtype": str(value.dtype)[6:], "values": value.detach().double().flatten().tolist()}
    for name, value in state.items()
}
print(json.dumps(facts))
