"""One host at a time: the connection, the conversation on it, and what comes of one transaction.

`dialling` makes a `hop` from an address: greeted, introduced, encrypted as it must be, logged in (`login`). An
`attempt` is one transaction over a hop for a `shipment`. It asks `wishes` and `fitting` first whether the host can
take the message as it is, sends it as `content` says, and returns an outcome for each recipient. `within` bounds every
wait. The `pool` is a list of all hops that are open, for those who want to see them or have them closed.
"""
