"""The care of the spool: looking whether all of it is sound, and copying it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, Protocol

import msgspec
from attrs import frozen

from empath.mail.operator_facts import OperatorActed
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, route
from empath.ops.api.tokens import Scope
from empath.spool.contract import Backup, SpoolError, Verified
from empath.world.ports import Clock


class Kept(Protocol):
    """What a spool does for those who look after it."""

    async def verify(self, cursor: str | None = None) -> Verified:
        """Look at a part."""

    async def backup(self, directory: PurePath, *, now: float) -> Backup:
        """Copy all."""


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to look."""

    cursor: str | None = None
    """What the answer before has said; none: at the beginning."""


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be."""

    state: str
    """damaged, quarantined, database or leftover."""
    name: str
    detail: str


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a part of the spool has found."""

    schema: Literal["empath.spool-check/1"] = "empath.spool-check/1"
    messages: int
    deliveries: int
    body_files: int
    size_bytes: int
    findings: tuple[FindingView, ...]
    cursor: str | None
    """Where to go on; null: all was looked at."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a backup goes."""

    directory: str
    """An absolute path on the machine of the daemon, of a directory that is new or empty."""


class BackupView(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that is complete."""

    schema: Literal["empath.backup/1"] = "empath.backup/1"
    directory: str
    at: float
    messages: int
    body_files: int
    missing: tuple[str, ...]
    """Body files that are not what was accepted, and so are not in it."""
    duration_s: float


class ToldActed(Protocol):
    """Who hears of what operators do."""

    def __call__(self, fact: OperatorActed, /) -> None:
        """Hear of it."""


@frozen(kw_only=True)
class SpoolRoutes:
    """``/spool/verify`` and ``/backup``."""

    spool: Kept
    clock: Clock
    told: ToldActed

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            route("POST", "/spool/verify", self._verify, Scope.OPERATE),
            route("POST", "/backup", self._backup, Scope.ADMIN),
        )

    async def _verify(self, call: Call[Nothing, Look]) -> Looked:
        """Look at a part of the spool, whether it is sound and all that it needs is there.

        Nothing is changed, and mail goes on. Call it again with the cursor of the answer until that is null: messages
        with their checksums and bodies come first, files that nobody needs last.
        """
        try:
            found = await self.spool.verify(call.content.cursor)
        except ValueError as problem:
            why, remedy = "it was made up, or cut off", "begin without one"
            raise Problem(422, Code.CONTENT, str(problem), why=why, remedy=remedy) from None
        return Looked(
            messages=found.messages,
            deliveries=found.deliveries,
            body_files=found.files,
            size_bytes=found.size_bytes,
            findings=tuple(
                [FindingView(state=one.state.value, name=one.name, detail=one.detail) for one in found.findings]
            ),
            cursor=found.cursor,
        )

    async def _backup(self, call: Call[Nothing, Target]) -> BackupView:
        """Copy all of the spool, as it is at one moment, into a directory of the daemon's machine.

        Mail goes on meanwhile. The answer comes when the copy is complete and durable.
        """
        directory = PurePath(call.content.directory)
        if not directory.is_absolute() or ".." in directory.parts:
            why = "the daemon has a directory of its own, which is not yours"
            raise Problem(422, Code.CONTENT, f"{directory} is not absolute", why=why, remedy="write the whole path")
        began = self.clock.now()
        try:
            made = await self.spool.backup(directory, now=began)
        except SpoolError as problem:
            why = "a backup that is not complete is none, so it has no backup.json"
            remedy = "name a new directory that the user of the daemon may write to, with enough room"
            raise Problem(409, Code.BACKUP, str(problem), why=why, remedy=remedy) from problem
        self.told(
            OperatorActed(
                at=self.clock.now(),
                by=call.who.name,
                verb="backup",
                selector=str(directory),
                why="",
                count=made.messages,
                skipped=len(made.missing),
                job=None,
            )
        )
        return BackupView(
            directory=str(directory),
            at=made.at,
            messages=made.messages,
            body_files=made.files,
            missing=made.missing,
            duration_s=max(self.clock.now() - began, 0.0),
        )
