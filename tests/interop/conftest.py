"""Certificates for the tests that encrypt."""

import ssl
from typing import NamedTuple

import pytest
import trustme


class Certificates(NamedTuple):
    """Both ends of TLS between a client and mx.example.org."""

    client: ssl.SSLContext
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """An authority that only these tests know, and the server that it vouches for."""
    authority = trustme.CA()
    client = ssl.create_default_context()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(client)
    authority.issue_cert("mx.example.org").configure_cert(server)
    return Certificates(client, server)
