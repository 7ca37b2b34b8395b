"""How much a client may ask of us, and how it hears that it asks too much.

`admission` counts sessions, `quotas` count messages and recipients, `timing` bounds every wait of a session. Who is not
let in is told so in `refusals`, and who has to go in `parting`: a reset connection would only look like a fault of the
network, and be tried again at once.
"""
