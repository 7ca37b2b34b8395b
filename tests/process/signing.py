"""Signing of zone files with DNSSEC, and what can be wrong with a signed one."""

import time
from typing import Final

import dns.dnssec
import dns.name
import dns.zone
from attrs import frozen
from dns.dnssecalgs.ecdsa import PrivateECDSAP256SHA256
from dns.dnssectypes import Algorithm

_DAY_S: Final = 86_400
_KEY_SIGNING: Final = 257  # a zone key, and a secure entry point (RFC 4034 2.1.1)


@frozen
class SignedZone:
    """A zone file with signatures, and the DS record by which its parent vouches for it."""

    text: str
    delegation_signer: str

    def altered(self, old: str, new: str) -> str:
        """The zone file with a text changed after it was signed."""
        assert old in self.text
        return self.text.replace(old, new)

    def without(self, kind: str) -> str:
        """The zone file without its records of a type; their signatures stay."""
        return "\n".join(line for line in self.text.splitlines() if line.split()[3] != kind) + "\n"


def sign(origin: str, text: str, *, expired: bool = False) -> SignedZone:
    """Sign a zone, with NSEC records for what is not there (RFC 4034 4)."""
    zone = dns.zone.from_text(text, origin=origin, relativize=False)
    private = PrivateECDSAP256SHA256.generate()
    key = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ECDSAP256SHA256, flags=_KEY_SIGNING)
    now = int(time.time())
    end = now - _DAY_S if expired else now + 30 * _DAY_S
    with zone.writer() as change:
        dns.dnssec.sign_zone(
            zone,
            change,
            keys=[(private, key)],
            add_dnskey=True,
            dnskey_ttl=60,
            inception=now - 10 * _DAY_S,
            expiration=end,
        )
    signer = dns.dnssec.make_ds(dns.name.from_text(origin), key, "SHA256")
    return SignedZone(zone.to_text(relativize=False), f"{origin}. 60 IN DS {signer.to_text()}")
