"""Where a message goes next, and what its host must show first.

`target` asks configuration and DNS for the hosts of a domain, anew for every attempt; `routing` puts configuration in
the terms of `empath.policy`. `demands` gathers what a host must show before it gets mail: from configuration
(`tls_choice`), from DNS (`dane`) and from the web (`sts`, with its policies on disk in `sts_cache`). Nothing here
connects to a mail host.
"""
