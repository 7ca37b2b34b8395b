"""What operators do to mail that is here: to one message at once, or to much of it as a job.

A *verb* is what is done (`verbs`), the *hands* are who does it, in the spool and in delivery. A *job* (`job`, `jobs`)
does it to all that a selector chooses, in portions, with exact figures, and can be undone for a while.

What is none of these, such as closing connections, is a *deed* (`deed`).

Why jobs choose by name and page by page, and do not leave it to one call of the spool: what is done at once to a
million deliveries cannot be cancelled, tells nobody how far it is, and does not know afterwards which ones they were.
"""

from empath.ops.acting.deed import Deed, Told
from empath.ops.acting.job import Job, State
from empath.ops.acting.jobs import Jobs
from empath.ops.acting.verbs import Hands, Verb

__all__ = ["Deed", "Hands", "Job", "Jobs", "State", "Told", "Verb"]
