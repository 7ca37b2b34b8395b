"""What may come in: who may send to whom, as whom, how often, and under which address it goes on.

Who may relay is decided by `relay`, with `access`, `aliases`, `rewriting`, `mailbox` and `openness` beside it. `wishes`
are what MAIL may ask for, `logins` which login may use which sender; `guesses` counts failed passwords, `prefix` says
who is one client, `pace` how long one may take, `dnsbl` what a DNS list says, `server_name` which certificate is shown.
"""
