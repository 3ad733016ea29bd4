"""A slow link into a network namespace of its own: relay.py DELAY_MS

Two TUN devices, one in the namespace that this is started in and one in a namespace that it makes
and moves into; in between, a queue that holds every packet for DELAY_MS. Packets are delayed, never
reordered, and dropped only when too many wait: TCP sees a long path, with its handshakes and windows,
as no relay of byte streams can show it.

Prints one line of JSON, {"near": ADDRESS, "far": ADDRESS}, once the link carries packets. Devices and
namespace are gone with this process, and with what else lives in the namespace.
"""
import collections
import ctypes
import errno
import fcntl
import json
import os
import random
import select
import socket
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
CLONE_NEWNET = 0x40000000

# Networks of four addresses in 198.19.0.0/16: a half of what RFC 2544 sets aside for benchmarks.
NETWORKS = 16_384
# Packets on their way. Beyond, a packet is lost, as in a router whose queue is full.
MAX_QUEUED = 8_192


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(fd)
        raise
    return fd


def near_tun():
    """A device whose name nobody has; the name claims the network of the same number."""
    first = random.randrange(NETWORKS)
    for attempt in range(NETWORKS):
        number = (first + attempt) % NETWORKS
        name = f"vsfar{number}"
        try:
            return tun(name), name, number
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
    raise OSError(errno.EADDRNOTAVAIL, "every network of 198.19.0.0/16 is taken")


def address(number, host):
    return socket.inet_ntoa(struct.pack("!I", (198 << 24 | 19 << 16) + number * 4 + host))


def bring_up(name, ip=None):
    """Gives a device of the current namespace its address and sets it up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:

        def set_address(request, value):
            sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), sockaddr))

        if ip is not None:
            set_address(SIOCSIFADDR, ip)
            set_address(SIOCSIFNETMASK, "255.255.255.252")
        request = struct.pack("16sH22x", name.encode(), 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)
        up = struct.pack("16sH22x", name.encode(), flags | IFF_UP)
        fcntl.ioctl(control, SIOCSIFFLAGS, up)


def leave_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def relay(near, far, delay):
    other = {near: far, far: near}
    # One delay for all: what came first is due first.
    queue = collections.deque()
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
        ready, _, _ = select.select([near, far], [], [], wait)
        for device in ready:
            try:
                packet = os.read(device, 65_536)
            except BlockingIOError:
                continue
            if len(queue) < MAX_QUEUED:
                queue.append((time.monotonic() + delay, other[device], packet))
        while queue and queue[0][0] <= time.monotonic():
            _, device, packet = queue.popleft()
            try:
                os.write(device, packet)
            except BlockingIOError:
                pass  # The device's own queue is full: the packet is lost.


def main():
    delay = float(sys.argv[1]) / 1000
    near, name, number = near_tun()
    bring_up(name, address(number, 1))
    leave_namespace()
    far = tun("far")
    bring_up("lo")
    bring_up("far", address(number, 2))
    print(json.dumps({"near": address(number, 1), "far": address(number, 2)}), flush=True)
    relay(near, far, delay)


main()
