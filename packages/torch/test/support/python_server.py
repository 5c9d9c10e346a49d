"""Runs Python scripts, each in a fork of this process, which has imported torch and torchvision: importing them takes seconds.

usage: python_server.py SOCKET

Ends when its standard input does. python_client.py asks for a script.
"""
import json
import os
import runpy
import select
import socket
import sys
import traceback

address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(address)
listener.listen()

import torch  # noqa: E402, F401
import torchvision  # noqa: E402, F401


def run(script, path, args):
    """Runs a script as a command line would. Returns its exit code."""
    sys.argv = [script, *args]
    sys.path[0:1] = [os.path.dirname(script), *path]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def answer(connection):
    """Runs what a client asks for, with the client's standard output and standard error."""
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
    while not message.endswith(b"\n"):
        message += connection.recv(1 << 20)
    child = os.fork()
    if child == 0:
        for number, stream in enumerate(streams, start=1):
            os.dup2(stream, number)
        code = run(**json.loads(message))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
    with listener.accept()[0] as connection:
        answer(connection)
os.remove(address)
os.rmdir(os.path.dirname(address))
