"""What a connection to a next host must show before it gets mail.

`tls` is the table of the policies that configuration can name. `demand` puts together what policy, DANE and MTA-STS ask
for; `dane` (with `issuers` and `spki`) and `sts` read what a domain has published, `peer_names` compares certificates
with names, `broken_tls` remembers hosts whose encryption is offered and does not work.
"""
