"""Settings of TLS on the receiving side: the certificates of a listener, and ``[smtp.tls]`` for all listeners."""

from pathlib import Path

from attrs import frozen

from empath.config.kinds import FILE
from empath.config.schema.keys import count, duration, optional


@frozen(kw_only=True)
class CertificateSettings:
    """``starttls``, the default certificate of a listener, or one of ``certificates``. Both files or neither."""

    cert_file: Path | None = optional(FILE, "where the certificate with its chain lies, as PEM")
    key_file: Path | None = optional(FILE, "where the private key of the certificate lies, as PEM")


@frozen(kw_only=True)
class ReceptionTlsSettings:
    """``[smtp.tls]``: how TLS begins, and how certificates are looked after."""

    handshake_timeout_s: float = duration("30s", "how long a client may take for a TLS handshake")
    handshake_threads: int = count(
        1, "how many TLS handshakes are computed at once; others wait", at_most=64, needs_restart=True
    )
    reload_interval_s: float = duration("1m", "how often the files of certificates and keys are looked at for a change")
    expiry_warning_s: float = duration(
        "14d", "how long before the end of a certificate the log begins to warn, once a day"
    )
