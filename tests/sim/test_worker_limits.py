"""Limits of the receiving side, from the configuration to what a client hears."""

import trio
from attrs import evolve

from empath.config.schema import LimitSettings, Period, Rate
from tests.ingress.stage import Talk
from tests.sim.stage import ENTRANCE, Stage, config_with, simulated


def with_limits(limits: LimitSettings) -> Stage:
    config = config_with()
    return Stage(config=evolve(config, smtp=evolve(config.smtp, limits=limits)))


async def come(stage: Stage, address: str) -> Talk:
    network = stage.simulation.network
    host = network.host_at(address) or network.host(address)
    return Talk(await host.connect(ENTRANCE))


@simulated
async def test_a_client_may_come_as_often_as_the_configuration_says() -> None:
    stage = with_limits(LimitSettings(connections_per_client=Rate(2, Period.MINUTE)))
    async with stage.play():
        for expected in (b"220", b"220", b"421"):
            talk = await come(stage, "203.0.113.1")
            assert await talk.code() == expected
            await talk.stream.aclose()
        assert await (await come(stage, "203.0.113.2")).code() == b"220"
        await trio.sleep(31)
        assert await (await come(stage, "203.0.113.1")).code() == b"220"


@simulated
async def test_a_network_has_as_many_sessions_as_the_configuration_says() -> None:
    stage = with_limits(LimitSettings(max_connections_per_prefix=2, ipv4_prefix=28))
    async with stage.play():
        codes = [await (await come(stage, f"203.0.113.{number}")).code() for number in (1, 2, 3, 16)]
        assert codes == [b"220", b"220", b"421", b"220"]


@simulated
async def test_all_listeners_count_the_messages_of_a_client_together() -> None:
    stage = with_limits(LimitSettings(messages_per_client=Rate(2, Period.HOUR)))
    other = evolve(ENTRANCE, port=26)
    listeners = stage.config.smtp.listeners
    smtp = evolve(stage.config.smtp, listeners=(*listeners, evolve(listeners[0], listen_addr=other)))
    stage.config = evolve(stage.config, smtp=smtp)
    async with stage.play():
        host = stage.simulation.network.host("203.0.113.1")
        codes = []
        for entrance in (ENTRANCE, other, ENTRANCE):
            talk = Talk(await host.connect(entrance))
            await talk.codes(b"EHLO client.example\r\n", 1)
            await talk.reply()
            codes.append(await talk.code(b"MAIL FROM:<a@client.example>\r\n"))
        assert codes == [b"250", b"250", b"450"]
