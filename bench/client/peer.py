"""The same work through libvirt's own client: peer.py MODE URI COUNT, one line of JSON."""
import json
import resource
import sys
import time

import libvirt

mode, uri, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(work):
    for _ in range(count):
        work()
    began, used = time.monotonic(), cpu_seconds()
    for _ in range(count):
        work()
    print(
        json.dumps(
            {
                "perSecond": count / (time.monotonic() - began),
                "cpuMsEach": (cpu_seconds() - used) * 1000 / count,
            }
        )
    )


def listen():
    """Says when each of COUNT lifecycle events was called back, on the machine's monotonic clock."""
    libvirt.virEventRegisterDefaultImpl()
    connection = libvirt.openReadOnly(uri)
    heard = []

    def callback(_connection, _domain, _event, _detail, _opaque):
        heard.append(time.monotonic_ns())

    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, callback, None)
    print("ready", flush=True)
    while len(heard) < count:
        libvirt.virEventRunDefaultImpl()
    print(json.dumps({"heardNs": [str(ns) for ns in heard[:count]]}))


if mode == "events":
    listen()
elif mode == "sequential":
    domain = libvirt.openReadOnly(uri).lookupByName("test")
    measure(lambda: domain.state())
else:
    connection = libvirt.openReadOnly(uri)
    measure(lambda: connection.getAllDomainStats(0, 0))
