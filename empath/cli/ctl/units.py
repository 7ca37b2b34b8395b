"""Ages, moments, sizes and shares, short enough for a column."""

import time

_STEPS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_BYTES = ("B", "kB", "MB", "GB", "TB")


def age(duration_s: float | None) -> str:
    """Return a duration by its two largest units: ``2h1m``, ``38s``, ``0.4s``; a dash for None."""
    if duration_s is None:
        return "-"
    if abs(duration_s) < 1:
        return f"{duration_s:.1g}s" if duration_s else "0s"
    left, text = round(abs(duration_s)), ""
    for position, (step, unit) in enumerate(_STEPS):
        if left >= step:
            text = f"{left // step}{unit}"
            if position + 1 < len(_STEPS):
                below, name = _STEPS[position + 1]
                rest = left % step // below
                text += f"{rest}{name}" if rest else ""
            break
    return f"-{text}" if duration_s < 0 else text


def moment(at: float | None) -> str:
    """Return a moment in UTC, to the second."""
    return "-" if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def size(size_bytes: float | None) -> str:
    """Return a size with three digits: ``4.1 kB``."""
    if size_bytes is None:
        return "-"
    for unit in _BYTES:
        if size_bytes < 1000 or unit == _BYTES[-1]:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:g}"


def share(part: float | None) -> str:
    """Return a part of a whole in percent."""
    return "-" if part is None else f"{100 * part:.1f} %"


def count(number: int | None) -> str:
    """Return a number with its thousands apart."""
    return "-" if number is None else f"{number:,}".replace(",", " ")


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: ``1 message``, ``3 511 messages``."""
    return f"{count(number)} {one if number == 1 else many or f'{one}s'}"
