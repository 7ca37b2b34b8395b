"""Spans of a running daemon, as they reach a collector: OTLP over HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from attrs import define, field
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.process.control import ctl
from tests.process.daemon import Daemon, empath, live
from tests.process.sink import Sink
from tests.process.test_shutdown import send_one
from tests.process.test_watching import audited

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PATIENCE_S = 60.0


@define(eq=False)
class Collector:
    """Takes what it is sent, in a thread."""

    spans: list[Span] = field(init=False, factory=list)
    services: set[str] = field(init=False, factory=set)
    server: ThreadingHTTPServer = field(init=False)

    def __attrs_post_init__(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                found = ExportTraceServiceRequest.FromString(content)
                for resource in found.resource_spans:
                    named = {one.key: one.value.string_value for one in resource.resource.attributes}
                    collector.services.add(named["service.name"])
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"

    def wait(self, name: str) -> Span:
        """The first span of this name."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for span in self.spans:
                if span.name == name:
                    return span
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.05)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def handed_in(daemon: Daemon, **fields: str) -> str:
    """Hand a message in over HTTP; its name."""
    connection = HTTPConnection(daemon.http, timeout=30)
    content = json.dumps({"from": "ann@example.com", "to": ["bob@example.org"], "subject": "x", "text": "y"})
    connection.request("POST", "/api/v1/messages", content, {"Content-Type": "application/json", **fields})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["mid"])


def test_a_message_is_followed_from_its_sender_to_its_host(sink: Sink, collector: Collector, tmp_path: Path) -> None:
    made = empath("token", "new", "app", "--scope", "inject", "--file", f"{tmp_path}/tokens", home=tmp_path)
    more = {
        "EMPATH_API__TOKENS_FILE": f"{tmp_path}/tokens",
        "EMPATH_TRACING__ENABLED": "true",
        "EMPATH_TRACING__ENDPOINT": collector.endpoint,
        "EMPATH_TRACING__INTERVAL": "100ms",
    }
    with Daemon(tmp_path, live(tmp_path, next_hop=sink.address), more=more) as daemon:
        bearer = {"Authorization": f"Bearer {made.stdout.strip()}", "traceparent": f"00-{TRACE}-{PARENT}-01"}
        mid = handed_in(daemon, **bearer)
        receive, attempt = collector.wait("smtp.receive"), collector.wait("delivery.attempt")
        assert (receive.trace_id.hex(), receive.parent_span_id.hex()) == (TRACE, PARENT)
        assert (attempt.trace_id.hex(), attempt.parent_span_id) == (TRACE, receive.span_id)
        named = {one.key: one.value for one in attempt.attributes}
        assert named["messaging.message.id"].string_value == mid
        assert (named["network.peer.address"].string_value, named["empath.attempt"].int_value) == ("127.0.0.1", 1)
        assert collector.wait("connect").parent_span_id == collector.wait("transaction").parent_span_id
        assert collector.services == {"empath"}
        send_one(daemon)  # which begins a trace of its own
        sink.wait(2)
        assert daemon.stop() == 0
    traces = {span.trace_id.hex() for span in collector.spans if span.name == "delivery.attempt"}
    assert len(traces) == 2
    assert {record["trace_id"] for record in audited(tmp_path) if record["event"] in ("received", "attempt")} == traces
    for trace in traces:
        assert daemon.log.count(f"trace_id={trace}") == 2


def test_without_tracing_there_are_neither_spans_nor_names_of_traces(
    sink: Sink, collector: Collector, tmp_path: Path
) -> None:
    more = {"EMPATH_TRACING__ENDPOINT": collector.endpoint, "EMPATH_TRACING__INTERVAL": "100ms"}
    with Daemon(tmp_path, live(tmp_path, next_hop=sink.address), more=more) as daemon:
        send_one(daemon)
        sink.wait(1)
        assert ctl(tmp_path, "ping").status == 0
        assert daemon.stop() == 0
    assert "trace_id" not in daemon.log
    assert [record.get("trace_id") for record in audited(tmp_path)] == [None] * 4
    assert collector.spans == []


def test_without_the_extra_it_does_not_start_and_says_what_to_install(tmp_path: Path) -> None:
    """A directory in front of the path in which OpenTelemetry is broken."""
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError('not here')\n")
    config = live(tmp_path, next_hop="127.0.0.1:25", settings="tracing.enabled = true")
    more = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    done = empath("serve", "--config", str(config), home=tmp_path, more=more)
    assert done.status == 78
    assert "error[SRV013]" in done.stderr
    assert "empath-mta[otel]" in done.stderr
