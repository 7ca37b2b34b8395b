"""The spool as files that a person can read: ``delivery.queue_backend = "files"``.

Below ``delivery.queue_path`` lie

======================================================  ================================================================
``messages/{mid}.json``                                 a message: what was accepted, with its body unless that is
                                                        large. It is never changed
``{status}/{next_attempt}_{mid}_{domain}.json``         an *entry*: what has become of its deliveries to a domain
``queue.json``                                          the token of the queue, and the rules of its operators
``seen/``                                               fingerprints of messages, to know those offered again
``intents/``                                            changes of several files that are one, while they are made
``reserve``                                             room for the day when the disk is full
``queue.lock``                                          who has the queue open. The kernel lets go of it when the
                                                        process ends
======================================================  ================================================================

A message with its name is accepted, and one without is gone: **its rename is the instant of acceptance**. An entry
without content says that its deliveries are as their message says, but for the moment in its name, and for the attempt
if it lies in ``in_progress``. One with content says all of them. Of two for the same deliveries, which a crash may
leave, the later one counts (``serial``); an entry of no message means nothing. A domain stands in a name if it is short
and plain, and otherwise its hash.

Each file with content ends in its length, its checksum and an end mark (``framing``), and had its name only after it
was synced (``change``), so one that does not check is damaged. Its message is in quarantine then, and nothing is
removed; all others are delivered. A change of more than one file is whole or nothing by an intent (``tree``).

What a loss of power may undo is what the default backend may lose, and for the same reason: a claim, and what was
recorded without a report, is on the disk with the next acceptance. Beside that, deliveries that were set aside for
their sites are set aside anew after each start. The states of the manual page of ``empath.spool`` hold; its C and D are
a message with or without entries, its E and F one whose name is gone.

All that is asked is answered by an index in memory, the tables of the default backend without the bodies (``index``);
it is made at the start out of all messages and of all entries with content (``opening``). ``store`` puts it together.
So it is the memory, and the time that a start takes, that say how much a queue can hold: see the operators' manual.

Why the orders of renames are enough: a rename within a directory is one change to every file system that has a journal,
and the changes of one directory reach the disk in their order. Nothing is assumed of two directories, or of content.
"""

from empath.spool.files.store import open_files

__all__ = ["open_files"]
