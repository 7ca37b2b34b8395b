"""Where configuration comes from, what wins, and what holds without any."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from empath.config import Code, ConfigError, Loaded, Origin, Sources, load
from empath.config.document import MAX_BYTES
from empath.config.schema import LOOPBACK, Config, Mode
from empath.smtp.address import Domain
from empath.world.endpoint import TcpEndpoint
from tests.config.sources import LIVE, faults_of, load_text, write


def grace(text: str) -> str:
    """Return a live configuration that is recognised by its shutdown.grace."""
    return f'{LIVE}shutdown.grace = "{text}"\n'


def test_without_any_file_empath_is_a_sandbox_on_loopback(tmp_path: Path) -> None:
    loaded = load(Sources(environ={"HOME": str(tmp_path)}, system_file=tmp_path / "none"))
    config = loaded.config
    assert config.mode is Mode.SANDBOX
    assert [listener.listen_addr for listener in config.smtp.listeners] == [TcpEndpoint("127.0.0.1", 1025)]
    sections = (config.metrics, config.health, config.api)
    assert all(section.listen_addr.is_loopback for section in sections)
    assert config.relay.from_networks == LOOPBACK
    assert loaded.files == ()
    assert loaded.warnings == ()


def test_a_user_keeps_everything_at_home(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/7"}
    config = load(Sources(environ=environ, system_file=tmp_path / "none")).config
    assert config.spool.path == Path("/h/.local/state/empath")
    assert config.audit.log_path == Path("/h/.local/state/empath/audit.jsonl")
    assert config.api.control_socket == Path("/run/user/7/empath/control.sock")


def test_xdg_directories_come_before_the_home_directory_unless_they_are_relative(tmp_path: Path) -> None:
    absolute = {"HOME": "/h", "XDG_STATE_HOME": "/state"}
    relative = {"HOME": "/h", "XDG_STATE_HOME": "state"}
    places = [
        load(Sources(environ=environ, system_file=tmp_path / "none")).config.spool.path
        for environ in (absolute, relative)
    ]
    assert places == [Path("/state/empath"), Path("/h/.local/state/empath")]


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}])
def test_a_user_without_a_home_has_the_places_of_the_system(tmp_path: Path, environ: dict[str, str]) -> None:
    assert load(Sources(environ=environ, system_file=tmp_path / "none")).config.spool.path == Path("/var/spool/empath")


def test_root_and_the_system_file_have_the_places_of_the_system(tmp_path: Path) -> None:
    environ = {"HOME": "/h"}
    system_file = write(tmp_path, LIVE)
    for sources in (
        Sources(environ=environ, system_file=tmp_path / "none", is_root=True),
        Sources(environ=environ, system_file=system_file),
        Sources(environ=environ, system_file=system_file, file=system_file),
    ):
        assert load(sources).config.spool.path == Path("/var/spool/empath")


def test_the_sandbox_has_directories_of_its_own(tmp_path: Path) -> None:
    queue = '[delivery]\nqueue_path = "/queue"\n'
    live, sandbox = (
        load_text(tmp_path, f'mode = "{mode}"\nhostname = "a.example"').config for mode in ("live", "sandbox")
    )
    assert (live.spool_path, live.queue_path) == (Path("/var/spool/empath"), Path("/var/spool/empath/queue"))
    assert not sandbox.queue_path.is_relative_to(live.queue_path)
    assert sandbox.queue_path == sandbox.spool_path / "queue" == Path("/var/spool/empath/sandbox/queue")
    assert load_text(tmp_path, LIVE + queue).config.queue_path == Path("/queue")
    assert load_text(tmp_path, f'mode = "sandbox"\n{queue}').config.queue_path == Path("/queue/sandbox")


def test_the_flag_comes_before_the_variable_before_the_user_before_the_system(tmp_path: Path) -> None:
    flag, variable, user, system = (
        write(tmp_path, grace(f"{number}s"), name)
        for number, name in enumerate(("flag.toml", "variable.toml", "x/empath/empath.toml", "system.toml"), start=1)
    )
    of_user = {"XDG_CONFIG_HOME": str(tmp_path / "x")}
    of_variable = of_user | {"EMPATH_CONFIG": str(variable)}
    loaded = [
        load(Sources(file=flag, environ=of_variable, system_file=system)),
        load(Sources(environ=of_variable, system_file=system)),
        load(Sources(environ=of_user, system_file=system)),
        load(Sources(system_file=system)),
    ]
    assert [one.files for one in loaded] == [(flag,), (variable,), (user,), (system,)]
    assert [one.config.shutdown.grace_s for one in loaded] == [1, 2, 3, 4]


def test_an_empty_variable_names_no_file(tmp_path: Path) -> None:
    assert load(Sources(environ={"EMPATH_CONFIG": ""}, system_file=tmp_path / "none")).files == ()


def test_a_file_that_is_named_and_missing_is_an_error_though_others_exist(tmp_path: Path) -> None:
    system = write(tmp_path, LIVE)
    for sources in (
        Sources(file=tmp_path / "none", system_file=system),
        Sources(environ={"EMPATH_CONFIG": str(tmp_path / "none")}, system_file=system),
    ):
        with pytest.raises(ConfigError, match="cannot read this: no such file"):
            load(sources)


def test_a_file_that_is_there_and_closed_to_us_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file where a directory should be: not there")
    assert load(Sources(system_file=tmp_path / "etc" / "empath.toml")).files == ()
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match="cannot read"):
        load(Sources(system_file=loop))


def test_files_in_conf_d_follow_by_name_and_win_key_by_key(tmp_path: Path) -> None:
    main = write(tmp_path, f"{grace('1s')}[delivery]\nmax_attempts = 30\nsmtp_port = 26")
    second = write(tmp_path, "[delivery]\nsmtp_port = 28", "conf.d/20.toml")
    first = write(tmp_path, 'shutdown.grace = "2s"\n[delivery]\nsmtp_port = 27', "conf.d/10.toml")
    write(tmp_path, "not read", "conf.d/README")
    loaded = load(Sources(file=main, is_root=True))
    delivery = loaded.config.delivery
    assert (loaded.config.shutdown.grace_s, delivery.max_attempts, delivery.smtp_port) == (2, 30, 28)
    assert loaded.files == (main, first, second)
    assert loaded.origin(("delivery", "smtp_port")) == Origin(str(second), 2)
    assert loaded.origin(("delivery", "max_attempts")) == Origin(str(main), 5)


def test_an_array_is_replaced_and_not_appended_to(tmp_path: Path) -> None:
    main = write(
        tmp_path, f'{LIVE}[relay]\nfrom_networks = ["10.0.0.0/8", "10.0.0.1"]\n[[smtp.listeners]]\n[[smtp.listeners]]'
    )
    write(
        tmp_path,
        'relay.from_networks = ["192.0.2.0/24"]\n[[smtp.listeners]]\nlisten_addr = "127.0.0.1:26"',
        "conf.d/a.toml",
    )
    config = load(Sources(file=main, is_root=True)).config
    assert config.relay.from_networks == (IPv4Network("192.0.2.0/24"),)
    assert [listener.listen_addr.port for listener in config.smtp.listeners] == [26]


def test_faults_of_all_files_are_reported_even_if_one_is_not_toml(tmp_path: Path) -> None:
    main = write(tmp_path, "[smtp")
    write(tmp_path, "delivery.max_attempts = 0", "conf.d/a.toml")
    with pytest.raises(ConfigError) as refused:
        load(Sources(file=main, environ={"EMPATH_SHUTDOWN__GRACE": "x"}))
    assert [fault.code for fault in refused.value.faults] == [Code.NOT_TOML, Code.OUT_OF_RANGE, Code.BAD_VALUE]


def test_the_command_line_comes_before_variables_before_files(tmp_path: Path) -> None:
    file = write(tmp_path, grace("1s"))
    environ = {"EMPATH_SHUTDOWN__GRACE": "2s"}
    flags = {"shutdown.grace": "3s"}
    assert load(Sources(file=file)).config.shutdown.grace_s == 1
    assert load(Sources(file=file, environ=environ)).config.shutdown.grace_s == 2
    loaded = load(Sources(file=file, environ=environ, flags=flags))
    assert loaded.config.shutdown.grace_s == 3
    assert str(loaded.origin(("shutdown", "grace"))) == "command line"
    assert str(loaded.origin(("shutdown",))) == f"{file}:3"
    assert str(loaded.origin(("delivery", "frozen"))) == "default"


def test_a_flag_may_say_that_this_is_live(tmp_path: Path) -> None:
    file = write(tmp_path, 'mode = "sandbox"\nhostname = "mx.example.org"')
    assert load(Sources(file=file, flags={"mode": "live"})).config.mode is Mode.LIVE
    assert load(Sources(flags={"mode": "live"}, system_file=tmp_path / "none")).config.mode is Mode.LIVE


def test_a_faulty_flag_is_a_fault_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(Sources(flags={"shutdown.gracy": "1s", 'delivery.domains."a.example".max_connections': "x"}, is_root=True))
    assert [(fault.code, str(fault.origin)) for fault in refused.value.faults] == [
        (Code.UNKNOWN_KEY, "command line"),
        (Code.WRONG_TYPE, "command line"),
    ]


def test_variables_reach_listeners_by_number_and_domains_by_name(tmp_path: Path) -> None:
    environ = {
        "EMPATH_SMTP__LISTENERS__0__MAX_MESSAGE_SIZE": "1MiB",
        "EMPATH_SMTP__LISTENERS__1__LISTEN_ADDR": "127.0.0.1:27",
        "EMPATH_DELIVERY__DOMAINS__gmail.com__RATE_LIMIT": "200",
        "EMPATH_DELIVERY__CONNECTION_POOL__MAX_PER_SERVER": "4",
    }
    config = load_text(tmp_path, f'{LIVE}[[smtp.listeners]]\nlisten_addr = "127.0.0.1:26"', environ).config
    assert [listener.listen_addr.port for listener in config.smtp.listeners] == [26, 27]
    assert config.smtp.listeners[0].max_message_size_bytes == 1 << 20
    assert (
        str(config.delivery.domains[Domain.parse("gmail.com")].rate_limit)
        == "Rate(count=200, period=<Period.MINUTE: 'min'>, burst=None)"
    )
    assert config.delivery.max_connections_per_host == 4


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EMPATH_SMTP__LISTENERS__2__LISTEN_ADDR", Code.BAD_VALUE),
        ("EMPATH_SMTP__LISTENERS__X__LISTEN_ADDR", Code.UNKNOWN_KEY),
        ("EMPATH_DELIVERY__MAX_ATEMPTS", Code.UNKNOWN_KEY),
        ("EMPATH_DELIVERY", Code.WRONG_TYPE),
        ("EMPATH_HOSTNAM", Code.IGNORED_VARIABLE),
        ("EMPATH_", Code.IGNORED_VARIABLE),
    ],
)
def test_a_variable_that_cannot_be_placed_is_never_passed_over(tmp_path: Path, name: str, code: Code) -> None:
    (fault,) = faults_of(tmp_path, f"{LIVE}[[smtp.listeners]]", {name: "127.0.0.1:25"})
    assert fault.code is code
    assert name in f"{fault.origin} {fault.what}"


def test_variables_of_commands_and_of_others_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "EMPATH_URL": "https://mx.example.org",
        "EMPATH_TOKEN_FILE": "/run/token",
        "PATH": "/bin",
        "empath_mode": "x",
    }
    assert faults_of(tmp_path, LIVE, environ) == ()


def test_a_variable_below_something_that_is_no_table_leaves_the_fault_to_the_file(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, f"{LIVE}delivery = 3", {"EMPATH_DELIVERY__MAX_ATTEMPTS": "3"})
    assert fault.key == ("delivery",)


def test_an_alias_sets_what_it_means_and_may_agree_with_it(tmp_path: Path) -> None:
    alone = load_text(tmp_path, f"{LIVE}delivery.workers.max_concurrent = 50")
    assert alone.config.delivery.max_parallel_deliveries == 50
    assert alone.origin(("delivery", "max_parallel_deliveries")).line == 3
    both = '[delivery]\nsmtp_timeouts.connect = "60s"\nconnection_pool.connect_timeout = "1m"'
    assert load_text(tmp_path, LIVE + both).config.delivery.smtp_timeouts.connect_s == 60


def test_a_fault_in_an_alias_is_told_of_the_alias(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, f'{LIVE}delivery.workers.max_concurrent = "many"')
    assert fault.key == ("delivery", "workers", "max_concurrent")
    assert fault.origin.line == 3


def test_two_faulty_names_of_one_key_are_two_faults(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, f"{LIVE}[delivery]\nworkers.max_concurrent = 0\nmax_parallel_deliveries = true")
    assert [fault.code for fault in faults] == [Code.ALIAS, Code.WRONG_TYPE]


def test_the_host_names_itself_if_nobody_else_does(tmp_path: Path) -> None:
    def named(name: str, text: str = 'mode = "sandbox"') -> Loaded:
        return load(Sources(file=write(tmp_path, text), host_name=lambda: name))

    assert named("mx.example.org").config.hostname == Domain.parse("mx.example.org")
    assert str(named("mx.example.org").origin(("hostname",))) == "default"
    assert named("mx.example.org", LIVE.replace("mx", "a")).config.hostname == Domain.parse("a.example.org")
    assert named("not a name").config.hostname == Domain.parse("localhost")


def test_the_host_is_not_asked_for_its_name_when_somebody_gave_one(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError("this may take the time of a DNS lookup")

    load(Sources(file=write(tmp_path, LIVE), host_name=never))


def test_all_together_is_what_the_schema_calls_the_default(tmp_path: Path) -> None:
    assert load(Sources(is_root=True, system_file=tmp_path / "none")).config == Config()


@pytest.mark.parametrize(
    ("content", "what", "line"),
    [
        (b"# fine\n# not \xff\n", "this is not UTF-8", 2),
        (b'a = "\n', "illegal character '\\n'", 1),
        (b"a = [1,", "invalid value (at end of document)", None),
        (b"a = live\n", "no value that TOML knows: text, sizes and durations stand in quotes", 1),
        (b"a = 1\na = 2\n", "a key that has a value already", 2),
        (b"a = " + b"[" * 100_000, "arrays or tables are nested too deep", None),
        (b"#" * (MAX_BYTES + 1), "larger than 16 MiB", None),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, what: str, line: int | None) -> None:
    path = tmp_path / "empath.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(Sources(file=path))
    (fault,) = refused.value.faults
    assert (fault.code, fault.what, fault.origin) == (Code.NOT_TOML, what, Origin(str(path), line))


def test_a_process_brings_its_environment() -> None:
    sources = Sources.of_process(flags={"mode": "sandbox"})
    assert "PATH" in sources.environ
    assert sources.flags == {"mode": "sandbox"}


@pytest.mark.parametrize("name", ["empath.toml", "relay.toml", "sandbox.toml"])
def test_the_files_that_are_shipped_load_without_a_word(name: str) -> None:
    loaded = load(Sources(file=Path(__file__).parents[2] / "conf" / name, is_root=True))
    assert loaded.warnings == ()


def test_no_shipped_file_is_forgotten_above() -> None:
    shipped = {path.name for path in (Path(__file__).parents[2] / "conf").glob("*.toml")}
    assert shipped == {"empath.toml", "relay.toml", "sandbox.toml"}


def test_a_command_that_needs_no_keys_may_run_where_they_cannot_be_read(tmp_path: Path) -> None:
    text = 'starttls = { cert_file = "/nowhere/cert.pem", key_file = "/nowhere/key.pem" }'
    file = write(tmp_path, f'{LIVE}[[smtp.listeners]]\ntls = "starttls"\n{text}')
    assert load(Sources(file=file, looks_at_files=False)).config.smtp.listeners[0].starttls.key_file is not None
    with pytest.raises(ConfigError, match=r"cannot read /nowhere/key\.pem"):
        load(Sources(file=file))
