"""How the content of a message leaves: behind 354 with a final dot (RFC 5321 4.1.1.4), or in chunks (RFC 3030 2).

A host that offers CHUNKING gets chunks. They need no stuffing of dots, and no reply has to come before the content may
follow: a small message can leave together with its envelope. What a chunk without LAST is answered decides nothing but
whether it makes sense to go on.

From when the last octet is written until its reply has come, nobody but the host knows what became of the message (RFC
1047): that wait is cut short by the last moment of a shutdown and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from typing import Final

import trio
from attrs import define

from empath.delivery.talking.hop import Hop
from empath.delivery.talking.shipment import Content
from empath.delivery.talking.within import within
from empath.mail.diagnosis import Phase
from empath.smtp import Bdat, BodyEnd, Reply

Shield = Callable[[trio.CancelScope], AbstractContextManager[None]]
"""Shields the scope around the wait for the last reply against all but the last moment of the daemon."""

_CHUNKS_AHEAD: Final = 8
"""Chunks that may be under way without a reply: enough for a distant host to be kept busy, and few enough for their
replies to fit into any buffer, so that neither side waits for the other to read (RFC 2920 3.1)."""


@define(eq=False)
class Sending:
    """Sends one content over one hop. The hop is in a transaction with recipients; Failure is raised."""

    _hop: Hop
    _content: Content
    _shield: Shield

    async def by_data(self) -> Reply:
        """Send it behind 354; the reply to the final dot. The time limit is for one block (RFC 5321 4.5.3.2.5)."""
        last = b""
        if isinstance(self._content, bytes):
            last = self._hop.carry(self._content)
        else:
            async with aclosing(self._content()) as blocks:
                async for block in blocks:
                    if last:
                        with within(self._hop.timeouts.data_s, Phase.DATA, self._hop.target.host):
                            await self._hop.stream.send_all(last)
                    last = self._hop.carry(block)
        return await self.end(last)

    async def end(self, last: bytes = b"") -> Reply:
        """The final dot, behind ``last``, which was encoded before; the reply to it."""
        hop = self._hop
        with within(hop.timeouts.data_reply_s, Phase.END, hop.target.host) as scope, self._shield(scope):
            await hop.stream.send_all(last + hop.say(BodyEnd()))
            return (await hop.replies(1))[0].reply
        raise AssertionError("within raises or returns")

    async def by_chunks(self) -> tuple[Reply, Phase]:
        """Send it in chunks; the first reply that refuses one, or that to the last, and the phase it came in.

        After a refusal nobody can say what the host thinks of the transaction (RFC 3030 2), so the hop is spoiled.
        """
        if isinstance(self._content, bytes):
            return await self._last_chunk(self._content), Phase.END
        held = b""
        async with aclosing(self._content()) as blocks:
            async for block in blocks:
                if held:
                    refusal = await self._chunk(held)
                    if refusal is not None:
                        self._hop.spoiled = True
                        return refusal, Phase.DATA
                held = block
        refusal = await self._answers(0)
        if refusal is not None:
            self._hop.spoiled = True
            return refusal, Phase.DATA
        return await self._last_chunk(held), Phase.END

    async def _chunk(self, content: bytes) -> Reply | None:
        """One chunk that is not the last; a refusal, of this or an earlier one."""
        hop = self._hop
        with within(hop.timeouts.data_s, Phase.DATA, hop.target.host):
            await hop.stream.send_all(hop.say(Bdat(len(content))) + hop.carry(content))
        return await self._answers(_CHUNKS_AHEAD if hop.client.pipelining else 0)

    async def _answers(self, left: int) -> Reply | None:
        """Wait until no more than ``left`` chunks have no reply yet; the first refusal."""
        hop = self._hop
        while len(hop.client.outstanding) > left:
            with within(hop.timeouts.data_s, Phase.DATA, hop.target.host):
                reply = (await hop.replies(1))[0].reply
            if not reply.positive:
                return reply
        return None

    async def _last_chunk(self, content: bytes) -> Reply:
        hop = self._hop
        with within(hop.timeouts.data_reply_s, Phase.END, hop.target.host) as scope, self._shield(scope):
            await hop.stream.send_all(hop.say(Bdat(len(content), last=True)) + last_words(hop, content))
            return (await hop.replies(1))[0].reply
        raise AssertionError("within raises or returns")


def last_words(hop: Hop, content: bytes) -> bytes:
    """What follows the announcement of the last chunk: a message may end with an empty one."""
    return hop.carry(content) if content else b""
