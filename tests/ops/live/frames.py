"""What a viewer makes of the frames that he gets."""

import msgspec
from attrs import define, field

from empath.ops.live.feed import NO_TABLE, Feed, Table
from empath.ops.live.tables import Rows, applied


@define
class Screen:
    """Shows one table. It knows nothing but what it was sent."""

    rows: Rows = field(factory=dict)
    seen: Table = NO_TABLE

    def look(self, feed: Feed) -> None:
        """Fetch what there is to be seen."""
        inside = feed.since(self.seen)
        self.seen = feed.table
        if not inside:
            return
        said = msgspec.json.decode(f"{{{inside}}}")
        if "data" in said:
            self.rows = said["data"]["rows"]
        else:
            assert set(said) <= {"set", "del"}
            self.rows = applied(self.rows, said.get("set", {}), said.get("del", ()))
