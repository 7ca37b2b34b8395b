from empath.policy.encryption.broken_tls import BrokenTls


def test_a_host_is_remembered_for_a_while() -> None:
    broken = BrokenTls(60, 10)
    broken.remember("mx", 0)
    assert broken.has("mx", 59)
    assert not broken.has("other", 59)
    assert not broken.has("mx", 60)


def test_no_time_is_no_memory() -> None:
    broken = BrokenTls(0, 10)
    broken.remember("mx", 5)
    assert not broken.has("mx", 5)


def test_the_table_is_bounded_and_the_oldest_goes() -> None:
    broken = BrokenTls(60, 2)
    for host in ("a", "b", "a", "c"):
        broken.remember(host, 0)
    assert [host for host in "abc" if broken.has(host, 1)] == ["a", "c"]
