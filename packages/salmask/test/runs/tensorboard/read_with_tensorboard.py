"""Prints what TensorBoard itself reads in a folder: a JSON object of tags, each a list of steps and values."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
tags = events.Tags()["scalars"]
print(json.dumps({tag: [[one.step, one.value] for one in events.Scalars(tag)] for tag in tags}))
