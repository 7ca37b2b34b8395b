"""Bodies: the DATA codec, the chunk counter and the line rules, against the plainest code that does the same."""

from collections.abc import Iterable

from empath.smtp import BodyFault, LocalProtocolError
from empath.smtp.body import ChunkReader, DataDecoder, DataEncoder, LineRules
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.writing import BodyWriter
from fuzz.cuts import cut


def fuzz(data: bytes) -> None:
    """A body ends at CRLF.CRLF only, decodes to what was encoded, and has the faults that the line rules say it has.

    The octets: a seed of the cuts; the line limit; the size limit in fours, "-" for none; then the stream.
    """
    seed, line, size, stream = *data.ljust(3, b"@")[:3], data[3:]
    max_line, max_size = max(line, 3), None if size == ord("-") else size * 4
    _check_decoder(stream, max_line, max_size, seed)
    _check_chunks(stream, max_line, max_size, seed)
    _check_encoder(stream, seed)
    _check_writer(stream, max_line, seed)


def _check_decoder(stream: bytes, max_line: int, max_size: int | None, seed: int) -> None:
    content, rest = plain_decode(stream)
    for segments in ([stream], list(cut(stream, seed))):
        decoder, buffer = DataDecoder(max_line, max_size), ReceiveBuffer()
        got = _decode(decoder, buffer, segments)
        assert decoder.size_octets == len(got)
        if rest is None:
            assert not decoder.ended
            assert content.startswith(got)
            assert len(content) - len(got) <= 4, "more is held back than can be undecided"
            assert len(buffer) <= 4
            assert decoder.fault in plain_fault(content, max_line, max_size)
        else:
            assert decoder.ended
            assert (got, bytes(buffer.data)) == (content, rest)
            assert decoder.fault is plain_fault(content, max_line, max_size)


def _decode(decoder: DataDecoder, buffer: ReceiveBuffer, segments: Iterable[bytes]) -> bytes:
    blocks = []
    for segment in segments:
        buffer.feed(segment)
        while not decoder.ended and (block := decoder.read(buffer)):
            blocks.append(block)
    return b"".join(blocks)


def _check_chunks(stream: bytes, max_line: int, max_size: int | None, seed: int) -> None:
    """The stream as one message in chunks, each of them arriving in segments of its own."""
    reader, buffer = ChunkReader(max_line, max_size), ReceiveBuffer()
    blocks, fault = [], BodyFault.NONE
    expected = plain_fault(stream, max_line, max_size)
    for chunk in cut(stream, seed >> 4):
        reader.begin(len(chunk))
        for segment in cut(chunk, seed):
            assert not reader.ended
            buffer.feed(segment)
            blocks.append(reader.read(buffer))
        assert reader.ended
        fault = reader.finish(last=False)
        assert fault in expected
    fault = reader.finish(last=True)
    assert fault is expected
    got = b"".join(blocks)
    assert stream.startswith(got) if fault else got == stream


def _check_encoder(content: bytes, seed: int) -> None:
    wires = []
    for segments in ([content], list(cut(content, seed))):
        encoder = DataEncoder()
        wire = b"".join(map(encoder.encode, segments))
        try:
            wires.append(wire + encoder.finish())
        except LocalProtocolError:
            assert content.endswith(b"\r")
            return
    assert wires[0] == wires[1]
    decoder, buffer = DataDecoder(65536, None), ReceiveBuffer()
    got = _decode(decoder, buffer, wires[:1])
    assert decoder.ended
    assert not buffer
    assert got == (content if content.endswith(b"\r\n") or not content else content + b"\r\n")


def _check_writer(content: bytes, max_line: int, seed: int) -> None:
    """Whatever of the content gets past the checks of the client, nothing is written that breaks the rules."""
    writer, wire = BodyWriter(LineRules(max_line, None)), b""
    fault = plain_fault(content, max_line, None)
    try:
        for segment in cut(content, seed):
            wire += writer.write_data(segment)
        wire += writer.finish_data()
    except LocalProtocolError:
        assert fault
    else:
        assert not fault
    assert not plain_fault(wire, len(wire) + 3, None), "a lone CR or LF was written"


def plain_decode(stream: bytes) -> tuple[bytes, bytes | None]:
    """What the stream after DATA means, by RFC 5321 4.5.2 word for word, and what follows it; None: no end yet."""
    lines = stream.split(b"\r\n")
    complete = lines[:-1]
    end = complete.index(b".") if b"." in complete else None
    content = b"\r\n".join(line.removeprefix(b".") for line in (lines if end is None else [*lines[:end], b""]))
    return content, None if end is None else b"\r\n".join(lines[end + 1 :])


def plain_fault(content: bytes, max_line: int, max_size: int | None) -> BodyFault:
    """What is wrong with ``content``, line by line. A CR as the last octet is half a line end: alone, but no text."""
    lines = content.removesuffix(b"\r").split(b"\r\n")
    found = {
        BodyFault.LONE_CR: content.endswith(b"\r") or any(b"\r" in line for line in lines),
        BodyFault.LONE_LF: any(b"\n" in line for line in lines),
        BodyFault.NUL: b"\0" in content,
        BodyFault.LONG_LINE: any(len(line) + 2 > max_line for line in lines),
        BodyFault.TOO_BIG: max_size is not None and len(content) > max_size,
    }
    fault = BodyFault.NONE
    for flag in (flag for flag, wrong in found.items() if wrong):
        fault |= flag
    return fault
