"""Has python_server.py run a script, and ends as the script does.

usage: python_client.py SOCKET REQUEST

REQUEST is JSON: `script`, the folders of its `path`, and its `args`.
"""
import socket
import sys
import time

address, request = sys.argv[1:]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
end = time.monotonic() + 30
while True:
    try:
        server.connect(address)
        break
    except (FileNotFoundError, ConnectionRefusedError):
        if time.monotonic() > end:
            sys.exit("Expected a server of Python scripts that listens within 30 s, got none.")
        time.sleep(0.01)
socket.send_fds(server, [f"{request}\n".encode()], [1, 2])
status = server.recv(16)
if not status:
    sys.exit("Expected an answer of the server of Python scripts, got its end.")
sys.exit(int(status) % 256)
