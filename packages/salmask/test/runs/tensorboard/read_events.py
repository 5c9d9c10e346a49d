"""Reads TensorBoard's event files of a folder without TensorBoard: prints a JSON list of files, each a list of events."""
import json
import os
import struct
import sys


def crc32c(data):
    """Bit by bit, from the definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def checked(data, stored):
    crc = crc32c(data)
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked == stored, "a checksum that does not match"
    return data


def records(data):
    at = 0
    while at < len(data):
        head, crc = struct.unpack_from("<8sI", data, at)
        (length,) = struct.unpack("<Q", checked(head, crc))
        body, crc = struct.unpack_from("<%dsI" % length, data, at + 12)
        yield checked(body, crc)
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """Pairs of a field's number and its value: an int, a float, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        else:
            form = {1: "<d", 5: "<f"}[kind]
            (value,) = struct.unpack_from(form, data, at)
            at += struct.calcsize(form)
        yield key >> 3, value


def event(data):
    found = {}
    for number, value in fields(data):
        if number == 1:
            found["time"] = value
        elif number == 2:
            found["step"] = value
        elif number == 3:
            found["version"] = value.decode()
        elif number == 5:
            values = [dict(fields(inner)) for _, inner in fields(value)]
            found["scalars"] = {one[1].decode(): one[2] for one in values}
        elif number == 7:
            found["session"] = dict(fields(value))[1]
        else:
            raise AssertionError("an unknown field %d" % number)
    return found


folder = sys.argv[1]
files = sorted(name for name in os.listdir(folder) if ".tfevents." in name)
print(json.dumps([[event(one) for one in records(open(os.path.join(folder, name), "rb").read())] for name in files]))
