from empath.ingress import Admission


def test_sessions_are_counted_in_all() -> None:
    admission = Admission(2, 2)
    with admission.admit("192.0.2.1"), admission.admit("192.0.2.2"):
        refusal = admission.refusal("192.0.2.3")
        assert refusal is not None
        assert refusal.code == 421
    assert admission.refusal("192.0.2.3") is None


def test_sessions_are_counted_for_each_address() -> None:
    admission = Admission(10, 1)
    with admission.admit("192.0.2.1"):
        assert admission.refusal("192.0.2.1") is not None
        assert admission.refusal("192.0.2.2") is None
    assert admission.refusal("192.0.2.1") is None


def test_nothing_is_remembered_of_addresses_that_have_gone() -> None:
    admission = Admission(10, 1)
    with admission.admit("192.0.2.1"):
        assert admission.open == 1
    assert (admission.open, admission._by_address) == (0, {})
