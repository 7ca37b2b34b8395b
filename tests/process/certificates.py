"""Certificates on the disk, as an operator has them: a chain and a key, which are renewed now and then."""

from datetime import datetime
from pathlib import Path

import trustme
from attrs import define, field


@define(eq=False)
class Issuer:
    """An authority that only these tests know, and a directory."""

    directory: Path
    _authority: trustme.CA = field(init=False, factory=trustme.CA)

    def __attrs_post_init__(self) -> None:
        self._authority.cert_pem.write_to_path(self.ca_file)

    @property
    def ca_file(self) -> Path:
        """What clients trust."""
        return self.directory / "ca.pem"

    def issue(self, name: str, *hosts: str, not_after: datetime | None = None) -> str:
        """Write ``NAME.pem`` and ``NAME-key.pem``, and return the keys of the configuration that name them."""
        issued = self._authority.issue_cert(*hosts, not_after=not_after)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        for file, content in ((self.cert_file(name), chain), (self.key_file(name), issued.private_key_pem.bytes())):
            # As programs do that renew certificates: nobody ever sees half a file.
            fresh = file.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.rename(file)
        return f'{{ cert_file = "{self.cert_file(name)}", key_file = "{self.key_file(name)}" }}'

    def cert_file(self, name: str) -> Path:
        """Where a chain lies."""
        return self.directory / f"{name}.pem"

    def key_file(self, name: str) -> Path:
        """Where a key lies."""
        return self.directory / f"{name}-key.pem"
