"""What is kept of a password, and the file it is kept in."""

import pytest

from empath.ingress.logins.credentials import (
    SALT_BYTES,
    Credential,
    PasswordHash,
    ScramKeys,
    decoy_among,
    parse_credential,
    parse_users,
)

SALT = bytes(range(SALT_BYTES))
# Small on purpose: what is tested here is not how long it takes.
QUICK = "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$"


@pytest.mark.parametrize("kind", [PasswordHash, ScramKeys])
def test_a_credential_fits_its_password_and_no_other(kind: type[PasswordHash] | type[ScramKeys]) -> None:
    credential = kind.make("pässword", SALT)
    assert credential.fits("pässword")
    assert credential.fits("pa\u0308ssword")  # the same in another form of Unicode
    assert not credential.fits("password")
    assert not credential.fits("")


@pytest.mark.parametrize("kind", [PasswordHash, ScramKeys])
def test_a_credential_is_read_as_it_was_written(kind: type[PasswordHash] | type[ScramKeys]) -> None:
    credential = kind.make("secret", SALT)
    assert parse_credential(credential.text) == credential


@pytest.mark.parametrize("kind", [PasswordHash, ScramKeys])
def test_no_password_is_shown(kind: type[PasswordHash] | type[ScramKeys]) -> None:
    credential = kind.make("secret", SALT)
    assert "secret" not in credential.text
    assert credential.text.rpartition("$")[2] not in repr(credential)


def test_the_hash_is_argon2id_with_the_recommended_cost() -> None:
    assert PasswordHash.make("secret", SALT).text.startswith("$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$")


def test_a_hash_that_another_program_made_fits() -> None:
    # from the documentation of argon2-cffi
    made = "$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA$YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQbg"
    assert PasswordHash.parse(made).fits("correct horse battery staple")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=16$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=2097152,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=64,t=100,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=17$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=4,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "SCRAM-SHA-256$4096:AAAA",
        "SCRAM-SHA-256$4096:!$!:!",
        f"SCRAM-SHA-256$4096:AAAA${'A' * 43}=:{'A' * 43}=",
        f"SCRAM-SHA-256$4095:{'A' * 22}==${'A' * 43}=:{'A' * 43}=",
        f"SCRAM-SHA-256$9999999:{'A' * 22}==${'A' * 43}=:{'A' * 43}=",
        f"SCRAM-SHA-1$4096:{'A' * 22}==${'A' * 43}=:{'A' * 43}=",
    ],
)
def test_what_is_no_credential_or_asks_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it"):
        parse_credential(text)


@pytest.mark.parametrize(
    ("credential", "cost"),
    [
        (PasswordHash(QUICK + "A" * 43), "$argon2id$v=19$m=64,t=1,p=1$"),
        (ScramKeys.make("x", SALT), "SCRAM-SHA-256$100000:"),
    ],
)
def test_a_decoy_costs_the_same_and_fits_nothing(credential: Credential, cost: str) -> None:
    decoy = credential.decoy
    assert credential.text.startswith(cost)
    assert decoy.text.startswith(cost)
    assert not decoy.fits("x")
    assert not decoy.fits("")


def test_the_decoy_is_like_most_credentials_of_the_file() -> None:
    quick, keys = PasswordHash(QUICK + "A" * 43), ScramKeys.make("x", SALT)
    assert decoy_among({"a": keys, "b": quick, "c": keys}) == keys.decoy
    assert decoy_among({"a": keys, "b": quick, "c": quick}) == quick.decoy
    assert decoy_among({}).text.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_file_has_a_line_for_each_user() -> None:
    hashed = QUICK + "A" * 43
    users = parse_users(f"# people\n\nann:{hashed}\r\n  \nBob@example.org: {hashed}\n".encode())
    assert list(users) == ["ann", "bob@example.org"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"ann", "line 2: there is no colon"),
        (b"a b:x", "line 2: the login cannot be used"),
        (b"ann:hunter2", "line 2: the credential cannot be used"),
        (b"\xff:x", "line 2: it is not UTF-8"),
        (b"FIRST:" + QUICK.encode() + b"A" * 43, "line 2: the login stands in an earlier line too"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_not_quoted(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_users(b"first:" + QUICK.encode() + b"A" * 43 + b"\n" + line)
    assert "hunter2" not in str(caught.value)
