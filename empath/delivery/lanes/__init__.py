"""Who may send, to whom, and when: from what is due in the spool to a sender with something to do.

The `dispatcher` claims what is due and cuts it into `job`s, one for each `lane`, which is the runtime of one
destination site. A lane starts a `sender` for as many connections as its window allows. `capacity`, `limits`, `rooms`
and `stock` are the bounds that all lanes share: connections, messages per time, claims, memory. `dispatch` is what
every sender needs.
"""
