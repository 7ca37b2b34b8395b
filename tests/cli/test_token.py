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


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["token", *arguments])


def test_tokens_are_listed_and_taken_back_and_all_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    for name, scopes in (("ann", "read,operate"), ("bob", "read")):
        new(name, "--scope", scopes, "--file", str(file))
    file.write_text(f"# ours\n\n{file.read_text()}")
    file.chmod(0o604)
    assert run("list", "--file", str(file)).stdout == "ann\tread,operate\nbob\tread\n"
    listed = json.loads(run("list", "--file", str(file), "--json").stdout)
    assert listed["tokens"] == [{"name": "ann", "scopes": ["read", "operate"]}, {"name": "bob", "scopes": ["read"]}]
    assert run("revoke", "ann", "--file", str(file)).exit_code == 0
    assert [token.name for token in parse_tokens(file.read_text())] == ["bob"]
    assert file.read_text().startswith("# ours\n\nbob ")
    assert file.stat().st_mode & 0o777 == 0o604
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_what_cannot_be_taken_back_changes_nothing_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    new("ann", "--scope", "read", "--file", str(file))
    before = file.read_text()
    assert run("revoke", "bob", "--file", str(file)).exit_code == 66
    file.write_text(f"{before}nonsense\n")
    done = run("revoke", "ann", "--file", str(file))
    assert (done.exit_code, "line 2" in done.stderr) == (65, True)
    assert file.read_text() == f"{before}nonsense\n"
    assert run("revoke", "ann", "--file", str(tmp_path / "missing")).exit_code == 73
    assert run("list", "--file", str(tmp_path / "missing")).exit_code == 66


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "tokens", tmp_path / "link"
    new("ann", "--scope", "read", "--file", str(file))
    link.symlink_to(file)
    assert run("revoke", "ann", "--file", str(link)).exit_code == 0
    assert link.is_symlink()
    assert file.read_text() == ""
