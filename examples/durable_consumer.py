"""A durable consumer of the feed of events in Python, with its standard library alone.

    NATS_HOST=127.0.0.1 NATS_PORT=4222 python3 durable_consumer.py [NAME]

It speaks NATS' text protocol, so that what happens is in sight; in earnest take nats-py. The broker
keeps its place under NAME. An event is acked only after it was handled: one that was being handled
when the process died comes again.
"""

import json
import os
import socket
import sys

STREAM = "VIRT_EVENTS"
INBOX = "_INBOX.durable-consumer-example"
NAME = sys.argv[1] if len(sys.argv) > 1 else "my-orchestrator"
BATCH = 100
PULL_SECONDS = 30

address = (os.environ.get("NATS_HOST", "127.0.0.1"), int(os.environ.get("NATS_PORT", "4222")))
wire = socket.create_connection(address, timeout=PULL_SECONDS + 10).makefile("rwb")


def send(subject, body, reply=""):
    data = body.encode()
    wire.write(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")
    wire.flush()


def receive():
    """The next message as (subject, reply, body); answers the server's PINGs meanwhile."""
    while True:
        line = wire.readline()
        if line == b"":
            raise ConnectionError("the broker closed the connection: start again")
        words = line.decode().split()
        if words[0] == "PING":
            wire.write(b"PONG\r\n")
            wire.flush()
        elif words[0] == "-ERR":
            raise ConnectionError(line.decode().strip())
        elif words[0] == "MSG":
            body = wire.read(int(words[-1]) + 2)[:-2]
            return words[1], words[3] if len(words) == 5 else "", body


# Without `headers` the server leaves them out: all that they say stands in the body too.
wire.write(b'CONNECT {"verbose":false,"headers":false}\r\n')
wire.write(f"SUB {INBOX} 1\r\n".encode())
config = {
    "durable_name": NAME,
    "filter_subject": "virt.v1.event.>",
    "ack_policy": "explicit",
    "ack_wait": 5_000_000_000,  # nanoseconds: what a dead consumer did not ack comes again
    "deliver_policy": "new",
}
# Safe to repeat: an equal consumer that is there already stays where it is.
send(
    f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{NAME}",
    json.dumps({"stream_name": STREAM, "config": config}),
    INBOX,
)
answer = json.loads(receive()[2])
if "error" in answer:
    raise SystemExit(f"no consumer: {answer['error']['description']}")
print("ready", flush=True)

highest = {}  # (role, host) -> the highest epoch
seen = {}  # (role, host) -> the seqs of that epoch
while True:
    pull = {"batch": BATCH, "expires": PULL_SECONDS * 1_000_000_000}
    send(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{NAME}", json.dumps(pull), INBOX)
    for _ in range(BATCH):
        subject, ack, body = receive()
        if subject == INBOX:
            break  # the pull ended, with or without messages: the next one
        event = json.loads(body)
        feed = (event["role"], event["host"])
        if event["epoch"] > highest.get(feed, 0):
            highest[feed], seen[feed] = event["epoch"], set()
        # Below the epoch: the `gap` that opened the higher one covers it.
        if event["epoch"] == highest[feed] and event["seq"] not in seen[feed]:
            seen[feed].add(event["seq"])
            place = f"{event['role']}:{event['host']}:{event['epoch']}:{event['seq']}"
            print(place, event["host"], event.get("name", ""), event["kind"], flush=True)
        send(ack, "+ACK")
