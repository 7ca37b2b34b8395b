"""A real rspamd that knows the GTUBE pattern and no other rule, as whoever runs the tests, in a directory for it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.peers import find
from tests.process.ports import free_port, wait_until_listening

GTUBE: Final = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""The text that every spam filter takes for spam, so that it can be tried out."""

_CONFIGURATION: Final = """\
options {{
  pidfile = "{home}/pid";
  rundir = "{home}";
  tempdir = "{home}";
  hs_cache_dir = "{home}";
  control_socket = "{home}/control mode=0600";
  url_tld = "{home}/tld";
  disable_monitoring = true;
  filters = "";
  dns {{ nameserver = ["127.0.0.1:{port}"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "error"; }}
lang_detection {{ disable = true; }}
actions {{ reject = 15; add_header = 6; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
"""


@contextmanager
def rspamd() -> Iterator[str]:
    """Run it; the URL under which it can be asked. Root is exchanged for a user that may do nothing."""
    home, port = Path(tempfile.mkdtemp(prefix="rspamd-")), free_port()
    command = [str(find("rspamd")), "--no-fork", "--config", str(home / "rspamd.conf")]
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
        command += ["--user", "nobody", "--group", "nogroup"]
    (home / "rspamd.conf").write_text(_CONFIGURATION.format(home=home, port=port))
    (home / "tld").write_text("example\n")  # the list of all top-level domains takes seconds to compile
    try:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=home) as process:
            try:
                wait_until_listening(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(timeout=30)
    finally:
        shutil.rmtree(home)
