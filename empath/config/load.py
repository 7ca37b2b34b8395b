"""From files, environment and command line to a `Config`, or to everything that is wrong with them.

The order, later over earlier: defaults, the one configuration file, ``conf.d/*.toml`` beside it by name, variables of
the environment, the command line. The configuration file is the first of: ``--config``, ``$EMPATH_CONFIG``, the
user's own, the system's. With none of them Empath is a sandbox: loopback only, and no message leaves the machine.

This is the one module of the package that touches the operating system: it reads files, and the name of the host.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path

from attrs import field, frozen

from empath.config import plugged, rules_file
from empath.config.checks import check
from empath.config.document import MAX_BYTES, Document, parse
from empath.config.faults import Code, ConfigError, Fault, Severity
from empath.config.layers import Given, Layers, Setting, from_environment, from_flags
from empath.config.places import DEFAULT, KeyPath, Origin
from empath.config.refusal import Refusal
from empath.config.schema import Config
from empath.config.search import SYSTEM_FILE, user_defaults, user_file
from empath.config.structure import Reading, read
from empath.config.units import UnitError, parse_domain


@frozen(kw_only=True)
class Sources:
    """All that a configuration is made of, apart from the files themselves. Nothing is read from anywhere else."""

    file: Path | None = None
    """``--config``."""
    environ: Mapping[str, str] = field(factory=dict)
    flags: Mapping[str, str] = field(factory=dict)
    """What the command line sets: dotted keys with texts as in the environment, ``{"mode": "live"}``."""
    system_file: Path = SYSTEM_FILE
    is_root: bool = False
    """Whether defaults are those of a system-wide installation, whichever file is read."""
    looks_at_files: bool = True
    """Whether the files that keys name have to be there: keys of certificates, lists of users. The daemon needs them;
    a command that hands a message over does not, and whoever calls it may not be allowed to read them."""
    host_name: Callable[[], str] = lambda: "localhost"
    """Asked for only when no source sets ``hostname``; it may take the time of a DNS lookup."""
    hooks: Callable[[], Mapping[str, EntryPoint]] = plugged.installed
    """The hooks that there are, by name."""

    @classmethod
    def of_process(
        cls, *, file: Path | None = None, flags: Mapping[str, str] | None = None, looks_at_files: bool = True
    ) -> "Sources":
        """Return what this process was started with."""
        return cls(
            file=file,
            environ=os.environ,
            flags=flags or {},
            is_root=os.geteuid() == 0,
            looks_at_files=looks_at_files,
            host_name=socket.getfqdn,
        )


@frozen(kw_only=True)
class Loaded:
    """A configuration that can be used."""

    config: Config
    warnings: tuple[Fault, ...]
    files: tuple[Path, ...]
    """What was read, in this order. None: this is the sandbox that needs no file."""
    origin: Callable[[KeyPath], Origin]
    """Who set a key; the origin ``default`` for those that nobody did."""
    history: Callable[[KeyPath], tuple[Given, ...]]
    """What the sources say of a key, one after the other; the last one counts."""


def load(sources: Sources) -> Loaded:
    """Return the configuration. Raises ConfigError with everything that is wrong with it."""
    paths, faults = _find_files(sources)
    documents: list[Document] = []
    for path in paths:
        try:
            documents.append(parse(str(path), _content(path)))
        except OSError as error:
            faults.append(_unreadable(path, error))
        except ConfigError as error:
            faults += error.faults
    all_read = not faults
    layers = _lay(sources, documents)
    faults += _apply_settings(sources, layers)
    _name_the_host(sources, layers)
    reading = read(layers)
    faults += reading.faults
    if all_read:  # what an unreadable file says is unknown, so nothing can be called missing or contradictory
        faults += _missing_mode(documents, layers)
        faults += check(reading, layers)
        faults += plugged.faults(reading, layers, sources.hooks)
    if sources.looks_at_files:
        faults += _missing_files(reading, layers)
        faults += _missing_users(reading, layers)
        faults += rules_file.faults(reading, layers, _content)
    faults = _in_reading_order(faults, [str(path) for path in paths])
    if any(fault.is_error for fault in faults):
        raise ConfigError(faults)
    return Loaded(
        config=reading.config,
        warnings=tuple(faults),
        files=tuple(paths),
        origin=layers.origin,
        history=layers.history,
    )


def files_of(sources: Sources) -> list[Path]:
    """Return the files that would be read now."""
    return _find_files(sources)[0]


def _find_files(sources: Sources) -> tuple[list[Path], list[Fault]]:
    """Return the configuration file and what lies in ``conf.d`` beside it, by name."""
    main = _main_file(sources)
    if main is None:
        return [], []
    beside = main.parent / "conf.d"
    try:
        return [main, *sorted(path for path in beside.iterdir() if path.suffix == ".toml")], []
    except (FileNotFoundError, NotADirectoryError):
        return [main], []
    except OSError as error:
        return [main], [_unreadable(beside, error)]


def _main_file(sources: Sources) -> Path | None:
    if sources.file is not None:
        return sources.file
    if variable := sources.environ.get("EMPATH_CONFIG"):
        return Path(variable)
    candidates = (user_file(sources.environ), sources.system_file)
    return next((path for path in candidates if path and _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it, or what it lies in, is closed to us: better to say so than to go on without it
    return True


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _unreadable(path: Path, error: OSError) -> Fault:
    return Fault(
        code=Code.UNREADABLE,
        what=f"cannot read this: {_reason(error)}",
        why="what it says is unknown, and it was meant to be obeyed",
        remedy="check the path, and who may read it",
        origin=Origin(str(path)),
    )


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _lay(sources: Sources, documents: list[Document]) -> Layers:
    """Lay the files over the defaults that depend on who we are and where."""
    layers = Layers()
    if not sources.is_root and all(document.source != str(sources.system_file) for document in documents):
        layers.lay(user_defaults(sources.environ), lambda _: DEFAULT)
    for document in documents:
        layers.lay(document.tree, document.origin)
    return layers


def _apply_settings(sources: Sources, layers: Layers) -> Iterator[Fault]:
    for setting in (*from_environment(sources.environ), *from_flags(sources.flags)):
        try:
            setting.apply(layers)
        except Refusal as refusal:
            if refusal.code is Code.UNKNOWN_KEY and setting.is_top_level:
                yield _ignored_variable(setting, refusal)
            else:
                yield Fault(
                    code=refusal.code,
                    key=setting.path,
                    what=refusal.what,
                    why=refusal.why,
                    remedy=refusal.remedy,
                    origin=setting.origin,
                )


def _ignored_variable(setting: Setting, refusal: Refusal) -> Fault:
    # An error would keep Empath from starting wherever somebody else uses our prefix: Kubernetes sets EMPATH_PORT and
    # EMPATH_SERVICE_HOST when a service is called empath.
    return Fault(
        code=Code.IGNORED_VARIABLE,
        severity=Severity.WARNING,
        what=f"{setting.origin} names no key",
        why="it looks like ours, and tables and keys are joined by two underscores",
        remedy=refusal.remedy,
    )


def _name_the_host(sources: Sources, layers: Layers) -> None:
    """Fill in the host's own name, if nobody gave one and it is one that can be used."""
    if layers.get(("hostname",)) is None:
        name = sources.host_name()
        try:
            parse_domain(name)
        except UnitError:
            return
        layers.put(("hostname",), name, DEFAULT)


def _missing_mode(documents: list[Document], layers: Layers) -> Iterator[Fault]:
    if documents and layers.get(("mode",)) is None:
        yield Fault(
            code=Code.MISSING,
            key=("mode",),
            what="not set",
            why="only you know whether mail from here may leave this machine",
            remedy='mode = "live", or mode = "sandbox" to keep all mail here',
            origin=Origin(documents[0].source),
        )


def _missing_files(reading: Reading, layers: Layers) -> Iterator[Fault]:
    """Yield the files that the configuration names and that we cannot read now."""
    named: list[tuple[KeyPath, Path | None]] = [(("delivery", "tls", "ca_file"), reading.config.delivery.tls.ca_file)]
    for index, listener in enumerate(reading.config.smtp.listeners):
        key: KeyPath = ("smtp", "listeners", index)
        pairs = [((*key, "starttls"), listener.starttls)]
        pairs += [((*key, "certificates", number), one) for number, one in enumerate(listener.certificates)]
        for pair, files in pairs:
            named += [((*pair, "cert_file"), files.cert_file), ((*pair, "key_file"), files.key_file)]
        named.append(((*key, "client_ca_file"), listener.client_ca_file))
    for key, path in named:
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            yield _cannot_read(key, path, error, layers)


def _cannot_read(key: KeyPath, path: Path, error: OSError, layers: Layers) -> Fault:
    return Fault(
        code=Code.FILE_MISSING,
        key=key,
        what=f"cannot read {path}: {_reason(error)}",
        why="the daemon could not either, and would have to do without it",
        remedy="check the path, and that the user of the daemon may read it",
        origin=layers.origin(key),
    )


def _missing_users(reading: Reading, layers: Layers) -> Iterator[Fault]:
    """Yield the files of users that cannot be read. One that is not there yet will be seen when it is."""
    for index, listener in enumerate(reading.config.smtp.listeners):
        key: KeyPath = ("smtp", "listeners", index, "users_file")
        path = listener.users_file
        if path is None:
            continue
        try:
            path.open("rb").close()
        except FileNotFoundError:
            yield Fault(
                code=Code.FILE_MISSING,
                severity=Severity.WARNING,
                key=key,
                what=f"there is no {path} yet",
                why="nobody can log in until there is",
                remedy="`empath user add NAME` makes it",
                origin=layers.origin(key),
            )
        except OSError as error:
            yield _cannot_read(key, path, error, layers)


def _in_reading_order(faults: list[Fault], files: list[str]) -> list[Fault]:
    """Errors before warnings, and each in the order of the sources and their lines."""

    def place(fault: Fault) -> tuple[bool, int, int]:
        source = fault.origin.source
        return not fault.is_error, files.index(source) if source in files else len(files), fault.origin.line or 0

    return sorted(faults, key=place)
