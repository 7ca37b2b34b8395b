"""A token is printed once; the file has its hash."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from empath.cli.main import main
from empath.ops.api.tokens import Scope, digest_of, parse_tokens


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["token", "new", *arguments])


def test_a_token_is_printed_and_its_hash_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    text = new("grafana", "--scope", "read", "--file", str(file)).stdout.strip()
    more = json.loads(new("ann", "--scope", "read,operate", "--file", str(file), "--json").stdout)["token"]
    grafana, ann = parse_tokens(file.read_text())
    assert (grafana.name, grafana.scopes, grafana.digest) == ("grafana", frozenset({Scope.READ}), digest_of(text))
    assert (ann.name, ann.scopes, ann.digest) == ("ann", frozenset({Scope.READ, Scope.OPERATE}), digest_of(more))
    assert text not in file.read_text()
    assert file.stat().st_mode & 0o007 == 0


def test_a_name_that_there_is_already_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    new("ann", "--scope", "read", "--file", str(file))
    before = file.read_text()
    done = new("ann", "--scope", "admin", "--file", str(file))
    assert (done.exit_code, file.read_text()) == (65, before)
    assert "error[TOK001]" in done.stderr


def test_a_scope_or_name_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    for arguments in (("ann", "--scope", "fly"), ("a b", "--scope", "read")):
        assert new(*arguments, "--file", str(tmp_path / "tokens")).exit_code == 64


def test_without_a_file_it_says_which_key_to_set(tmp_path: Path) -> None:
    config = tmp_path / "empath.toml"
    config.write_text('mode = "sandbox"\nhostname = "host.example"\n')
    done = new("ann", "--scope", "read", "--config", str(config))
    assert done.exit_code == 78
    assert "api.tokens_file" in done.stderr
