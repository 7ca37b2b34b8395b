"""The CPU time of the SMTP core: ``just bench smtp``, with the options of pyperf behind it (``--fast`` and so on).

A *transaction* is MAIL, RCPT, DATA, a body of 1 KiB and the final dot in a session that is open already, seen by one
end alone: the octets of the other end are ready made, nothing goes over a socket. *Pipelined* is with MAIL, RCPT and
DATA in one group, *one by one* is without. The body of the codec figures is 1 MiB in lines of 76 octets and CRLF, which
come in segments of 64 KiB; 1 MB is 1 000 000 octets. What counts is the CPU time of the process: others may use the
machine.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

import pyperf
from attrs import frozen

from empath.smtp import (
    Address,
    BodyData,
    BodyEnd,
    ClientConnection,
    Data,
    Ehlo,
    Mail,
    Pause,
    Rcpt,
    Reply,
    ReplyReceived,
    ServerConnection,
)
from empath.smtp.body import DataDecoder, DataEncoder
from empath.smtp.buffer import ReceiveBuffer

LINE: Final = b"x" * 76 + b"\r\n"
KIBIBYTE: Final = LINE * 13 + b"x" * 8 + b"\r\n"
MEBIBYTE: Final = (LINE * 13443 + b"x" * 20 + b"\r\n")[: 1 << 20]
SEGMENT: Final = 1 << 16
SEGMENTS: Final = [MEBIBYTE[start : start + SEGMENT] for start in range(0, len(MEBIBYTE), SEGMENT)]

ENVELOPE: Final = [b"MAIL FROM:<sender@example.org>\r\n", b"RCPT TO:<recipient@example.net>\r\n", b"DATA\r\n"]
ANSWERS: Final = [b"250 2.1.0 sender fine\r\n", b"250 2.1.5 recipient fine\r\n", b"354 go on\r\n"]
STORED: Final = b"250 2.0.0 stored\r\n"

OK: Final = Reply(250, "fine", "2.0.0")
GO_ON: Final = Reply(354, "go on")
MAIL: Final = Mail(Address.parse("sender@example.org"))
RCPT: Final = Rcpt(Address.parse("recipient@example.net"))


@frozen
class Measurement:
    """One figure: what is done, and what it may cost."""

    name: str
    work: Callable[[], object]
    goal: str
    octets: int = 0
    """How many octets the work goes through, where the figure is a speed."""

    def figure(self, seconds: float) -> str:
        """The figure as it stands in the table."""
        return f"{self.octets / seconds / 1e6:.0f} MB/s" if self.octets else f"{seconds * 1e6:.1f} us"


def receive(*segments: bytes) -> Callable[[], object]:
    """A transaction as a server gets it, in these segments."""
    server = ServerConnection("mx.example.org")
    server.send(Reply(220, "mx.example.org"))
    server.receive_data(b"EHLO client.example.org\r\n")
    server.next_event()
    server.send(server.hello_reply())

    def transaction() -> None:
        for segment in segments:
            server.receive_data(segment)
            replies = []
            while not isinstance(event := server.next_event(), Pause):
                if not isinstance(event, BodyData):
                    replies.append(server.send(GO_ON if isinstance(event, Data) else OK))
            b"".join(replies)

    return transaction


def send(*, pipelined: bool) -> Callable[[], object]:
    """A transaction as a client makes it."""
    client = ClientConnection()
    client.receive_data(b"220 mx.example.org\r\n")
    client.next_event()
    client.send(Ehlo("client.example.org"))
    client.receive_data(
        b"250-mx.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250 ENHANCEDSTATUSCODES\r\n"
    )
    client.next_event()
    commands: tuple[Mail | Rcpt | Data, ...] = (MAIL, RCPT, Data())
    answers = b"".join(ANSWERS)

    def hear(octets: bytes) -> None:
        client.receive_data(octets)
        while isinstance(client.next_event(), ReplyReceived):
            pass

    def in_one_group() -> None:
        b"".join([client.send(command) for command in commands])
        hear(answers)

    def one_by_one() -> None:
        for command, answer in zip(commands, ANSWERS, strict=True):
            client.send(command)
            hear(answer)

    def transaction() -> None:
        (in_one_group if pipelined else one_by_one)()
        b"".join([client.send(BodyData(KIBIBYTE)), client.send(BodyEnd())])
        hear(STORED)

    return transaction


def decode() -> None:
    """Read a body with all checks, and the segments as they would come from a socket."""
    decoder, buffer = DataDecoder(1 << 16, None), ReceiveBuffer()
    for segment in SEGMENTS:
        buffer.feed(segment)
        while decoder.read(buffer):
            pass
    buffer.feed(b".\r\n")
    decoder.read(buffer)
    if not decoder.ended or decoder.fault:
        raise AssertionError("this is not a figure for a good body")


def encode() -> None:
    """Write a body that was checked when it came."""
    encoder = DataEncoder()
    for segment in SEGMENTS:
        encoder.encode(segment)
    encoder.finish()


MEASUREMENTS: Final = (
    Measurement("receive, pipelined", receive(b"".join(ENVELOPE), KIBIBYTE + b".\r\n"), "100 us, aim 60"),
    Measurement("receive, one by one", receive(*ENVELOPE, KIBIBYTE + b".\r\n"), "100 us, aim 60"),
    Measurement("send, pipelined", send(pipelined=True), "100 us, aim 60"),
    Measurement("send, one by one", send(pipelined=False), "100 us, aim 60"),
    Measurement("encode a body", encode, "400 MB/s", len(MEBIBYTE)),
    Measurement("decode a body", decode, "150 MB/s", len(MEBIBYTE)),
)


def cpu_time(loops: int, work: Callable[[], object]) -> float:
    """Seconds of CPU for doing ``work`` so many times."""
    began = time.process_time()
    for _ in range(loops):
        work()
    return time.process_time() - began


def table(results: Iterable[tuple[Measurement, pyperf.Benchmark]]) -> str:
    """The figures, each beside its goal."""
    rows = [("what", "median", "goal")]
    rows += [(what.name, what.figure(result.median()), what.goal) for what, result in results]
    return "\n".join(f"{name:<22}{median:>12}   {goal}" for name, median, goal in rows)


def main() -> None:
    """Measure, and print the table; a worker process of pyperf measures alone."""
    runner = pyperf.Runner()
    results = [(what, runner.bench_time_func(what.name, cpu_time, what.work)) for what in MEASUREMENTS]
    if not runner.args.worker:
        print(table((what, result) for what, result in results if result is not None))


if __name__ == "__main__":
    main()
