"""The audit log: what happened to each message and what operators did, one JSON object a line, kept for months.

Writing: `log` is the observer and its tasks; `records`, `attempts` and `decisions` say what is written of a fact, in
the words of `wording`, `redaction` what must not, `chain` how a change would show. `archive` knows the files, of which
there is one for each day; `packing` compresses those of past days and gives each an index.

Reading: `blocks` are lines of any of these files, a bounded number at a time; `seeking` says which records are looked
for; `search` goes through the files, the newest first; `stories` makes of records what became of each delivery;
`proof` tells whether a log is whole, and `digest` what a day was like.

Words: a *record* is a line. A *volume* is the file of a day, plain or packed. A *run* is from one start of the daemon
to its end; records are numbered from 1 in each. A *story* is all that is known of one delivery.

Why files of lines and not a database: they outlive every version of us, every tool reads them, writing costs one
system call for hundreds of records, and nothing that goes wrong with the one of today touches those before. Why an
index only for past days: the file of today is in the page cache, and is read at a gigabyte a second.

RFC 8259 (JSON), RFC 1952 (gzip), RFC 7693 (BLAKE2).
"""

from empath.ops.audit.archive import Archive, Volume, day_of
from empath.ops.audit.attempts import Attempts
from empath.ops.audit.log import AuditLog
from empath.ops.audit.records import Auditable, Mark, Recorder, is_auditable
from empath.ops.audit.redaction import Redactor, hashed, read_or_make_key
from empath.ops.audit.wording import Record

__all__ = [
    "Archive",
    "Attempts",
    "AuditLog",
    "Auditable",
    "Mark",
    "Record",
    "Recorder",
    "Redactor",
    "Volume",
    "day_of",
    "hashed",
    "is_auditable",
    "read_or_make_key",
]
