"""Runs the Python example on several exports in one process: run_example.py EXAMPLE PHOTO,PHOTO... EXPORT..."""
import contextlib
import io
import json
import runpy
import sys

example, photos, *exports = sys.argv[1:]
answers = []
for export in exports:
    sys.argv = [example, export, *photos.split(",")]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(example, run_name="__main__")
    answers.append(json.loads(printed.getvalue()))
print(json.dumps(answers))
