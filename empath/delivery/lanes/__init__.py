"""Who may send, to whom, and when: from what is due in the spool to a sender with something to do.

The `dispatcher` claims what is due and cuts it into `job`s, one for each `lane`, which is the runtime of one
destination site: a `queue` of what waits, and `leave` to go on with it. A lane starts a `sender` for as many
connections as its window allows. `capacity`, `hosts`, `limits`, `connection_limits`, `rooms` and `stock` are the bounds
that all lanes share: connections in all and to one host, messages and connections per time, claims, memory. `dispatch`
is what every sender needs. `verdict` is what breaker and window learn from outcomes; `cause` is what holds a lane up,
recorded when it is decided, and `errands` the same for a job that is with a sender and not with a host yet. `search`
is how far a job has come on its way to a host when a limit makes it wait. `helm` is what holds a lane back besides its
limits, since an operator wants it or a host has asked for it; `control` is what operators do to lanes, and
`enforcement` has lanes do it.
"""
