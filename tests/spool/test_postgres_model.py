"""PostgreSQL does what the plainest store does, whatever comes in which batches."""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from empath.spool.memory import MemoryStore
from empath.spool.postgres import Server
from empath.spool.postgres.lease import Lease
from empath.spool.postgres.link import Link
from empath.spool.postgres.store import PostgresStore
from tests.postgres import PostgresServer
from tests.spool.test_model import Side, TwoStores


class InDatabase(TwoStores):
    """Memory beside a database."""

    server: ClassVar[PostgresServer]

    def __init__(self) -> None:
        super().__init__()
        self.sides[1].store.close()
        self.url = self.server.emptied()
        self.sides = (Side(MemoryStore()), Side(self.open()))

    def open(self) -> PostgresStore:
        server = Server(self.url, "the file of this test")
        return PostgresStore(Link(server, Lease("this test", server.schema), lambda lost: None))

    @override
    def reopened(self) -> Side:
        self.sides[1].store.close()
        return Side(self.open())


@pytest.fixture
def model(postgres: PostgresServer) -> type[InDatabase]:
    InDatabase.server = postgres
    return InDatabase


def test_postgres_does_what_memory_does(model: type[InDatabase]) -> None:
    run_state_machine_as_test(
        model,
        settings=settings(max_examples=15, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]),
    )
