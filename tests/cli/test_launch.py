"""Before ``empath serve`` runs: what the service manager has passed, the user, and whose the spool is."""

import os
import pwd
import socket
from pathlib import Path

import pytest

from empath.cli.complaint import Complaint
from empath.cli.launch import about_listening, about_root, check_owner, check_wanted, launch, listening_keys
from empath.config.schema import Config, ListenerSettings, Mode, SmtpSettings, SpoolSettings
from empath.world import ListenFailed, TcpEndpoint
from empath.world.prepared import Prepared
from empath.world.privileges import is_root

ENTRANCE = TcpEndpoint("127.0.0.1", 2525)


def config(
    tmp_path: Path, *, user: str | None = None, mode: Mode = Mode.LIVE, entrance: TcpEndpoint = ENTRANCE
) -> Config:
    smtp = SmtpSettings(listeners=(ListenerSettings(listen_addr=entrance),))
    return Config(mode=mode, user=user, smtp=smtp, spool=SpoolSettings(path=tmp_path / "spool"))


def test_without_a_service_manager_nothing_is_prepared(tmp_path: Path) -> None:
    assert not list(launch(config(tmp_path), {}).endpoints)


def test_a_socket_that_nobody_asks_for_is_an_error(tmp_path: Path) -> None:
    prepared = Prepared()
    with socket.create_server(("127.0.0.1", 0)) as server:
        prepared.add(server)
        address = TcpEndpoint(*server.getsockname())
        check_wanted(prepared, config(tmp_path, entrance=address))
        with pytest.raises(Complaint, match=r"SRV006\] the service manager passed") as caught:
            check_wanted(prepared, config(tmp_path))
    assert caught.value.status == os.EX_CONFIG
    assert f"a socket that listens on {address}, and nothing" in caught.value.what
    assert f'listen_addr = "{address}"' in caught.value.remedy


def test_a_user_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match=r"SRV007\] there is no user no-such-user") as caught:
        launch(config(tmp_path, user="no-such-user"), {})
    assert caught.value.status == os.EX_NOPERM


def test_root_in_live_mode_is_warned_of_unless_it_will_be_somebody_else(tmp_path: Path) -> None:
    assert "running as root" in (about_root(config(tmp_path), is_root=True) or "")
    assert about_root(config(tmp_path, user="empath"), is_root=True) is None
    assert about_root(config(tmp_path, mode=Mode.SANDBOX), is_root=True) is None
    assert about_root(config(tmp_path), is_root=False) is None


def test_a_spool_of_another_user_is_an_error(tmp_path: Path) -> None:
    settings, owner = config(tmp_path), "nobody"
    if is_root():
        settings.spool.path.mkdir()
        check_owner(settings)
        os.chown(settings.spool.path, pwd.getpwnam(owner).pw_uid, -1)
    else:
        settings, owner = Config(mode=Mode.LIVE, spool=SpoolSettings(path=Path("/"))), "root"
    ours = pwd.getpwuid(os.geteuid()).pw_name
    with pytest.raises(Complaint, match=rf"SRV008\] \S+ belongs to {owner}, and the daemon runs as {ours}\n") as caught:
        check_owner(settings)
    assert caught.value.status == os.EX_NOPERM


def test_every_place_that_is_listened_on_has_a_key(tmp_path: Path) -> None:
    keys = listening_keys(config(tmp_path))
    assert keys[ENTRANCE] == ("smtp", "listeners", 0)
    assert {path[0] for path in keys.values()} == {"smtp", "health", "metrics"}  # the api is at the address of health


def test_a_low_port_without_rights_is_explained(tmp_path: Path) -> None:
    problem = ListenFailed(ENTRANCE, "Permission denied")
    problem.__cause__ = PermissionError()
    why, remedy = about_listening(problem, config(tmp_path))
    assert why.startswith("smtp.listeners[0].listen_addr asks for it")
    assert "start it as root with `user` set" in remedy
