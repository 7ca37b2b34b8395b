// The table of lanes: filtered, sorted, and steady under the pointer.

import { outcomes } from "./charts.js";
import { h, laneAddress, link, reconcile, say, tag } from "./dom.js";
import { now } from "./live.js";
import { age, count, rate, share } from "./units.js";

const SHOWN = 200;
const KINDS = { ok: "good", idle: "", slowed: "warn", draining: "warn", breaker: "bad", suspended: "warn", frozen: "bad" };
export const WORDS = {
  due: "due", in_flight: "in flight", retry_backoff: "retry pause", rate_domain: "rate", rate_global: "rate of all", rate_source: "rate of source",
  rate_sender: "rate of sender", window: "window", conn_host: "connections", conn_global: "connections of all", breaker_open: "breaker",
  tls_policy: "TLS policy", dns_wait: "DNS", disk_low: "disk",
};
const COLUMNS = [
  ["lane", "Lane", (row) => row.lane], ["state", "State", (row) => row.state], ["queued", "Queued", (row) => row.queued],
  ["oldest_s", "Oldest", (row) => row.oldest_s ?? -1], ["connections", "Conn", (row) => row.connections],
  ["rate_per_s", "Rate", (row) => row.rate_per_s], ["limited_by", "Limited by", (row) => row.limited_by?.reason ?? ""],
  ["ok_share", "Last 50 outcomes", (row) => row.ok_share ?? 2],
];
const NUMBERS = new Set(["queued", "oldest_s", "connections", "rate_per_s"]);

export const stateTag = (state) => tag(state, KINDS[state]);

export function waitWords(wait) {
  if (!wait) return "–";
  const left = wait.until ? wait.until - now() : 0;
  return `${WORDS[wait.reason] ?? wait.reason.replaceAll("_", " ")}${left > 0.5 ? ` ${left > 600 && left < 3600 ? `${Math.round(left / 60)}m` : age(left)}` : ""}`;
}

export class LaneTable {
  constructor() {
    this.rows = [];
    this.ends = {};
    this.order = [];
    this.sort = "queued";
    this.rising = false;
    this.filter = h("input", { type: "search", placeholder: "filter: name, state or reason", "aria-label": "Filter lanes", "data-filter": true,
      oninput: () => this.draw(true) });
    this.body = h("tbody", { "data-list": true });
    this.heads = COLUMNS.map(([key, name]) => h("th", { scope: "col", class: `col-${key}${NUMBERS.has(key) ? " number" : ""}` },
      h("button", { type: "button", onclick: () => this.sortBy(key) }, name)));
    this.note = h("p", { class: "faint" });
    this.table = h("table", { class: "lanes" }, h("thead", {}, h("tr", {}, this.heads)), this.body);
  }

  take(rows) {
    this.rows = [...rows.values()];
    this.draw(false);
  }

  takeEnds(ends) {
    this.ends = ends;
    this.draw(false);
  }

  sortBy(key) {
    this.rising = this.sort === key ? !this.rising : key === "lane";
    this.sort = key;
    this.draw(true);
  }

  // While somebody points at a row, or a row has the focus, nothing changes its place: new rows come last.
  draw(anew) {
    const wanted = this.filter.value.trim().toLowerCase();
    const found = this.rows.filter((row) =>
      `${row.lane} ${row.state} ${row.limited_by?.reason ?? ""}`.toLowerCase().includes(wanted));
    const isHeld = !anew && (this.body.matches(":hover") || this.body.contains(document.activeElement));
    const place = new Map(this.order.map((lane, index) => [lane, index]));
    const valueOf = COLUMNS.find(([key]) => key === this.sort)[2];
    const compare = (a, b) => {
      const [x, y] = [valueOf(a), valueOf(b)];
      const by = typeof x === "string" ? x.localeCompare(y) : x - y;
      return (this.rising ? by : -by) || a.lane.localeCompare(b.lane);
    };
    found.sort((a, b) => (isHeld ? (place.get(a.lane) ?? Infinity) - (place.get(b.lane) ?? Infinity) || 0 : compare(a, b)));
    const shown = found.slice(0, SHOWN);
    this.order = shown.map((row) => row.lane);
    reconcile(this.body, shown, (row) => row.lane, make, (element, row) => update(element, row, this.ends[row.lane] ?? ""));
    COLUMNS.forEach(([key], index) => {
      const state = key !== this.sort ? "none" : this.rising ? "ascending" : "descending";
      this.heads[index].setAttribute("aria-sort", state);
    });
    say(this.note, noteOf(this.rows.length, found.length, shown.length));
  }
}

function noteOf(all, found, shown) {
  if (!all) return "No lane has work, or is known yet. A lane comes with the first message for a site.";
  if (!found) return "No lane matches the filter.";
  return shown < found ? `The first ${count(shown)} of ${count(found)} lanes; filter for others.` : "";
}

function make(row) {
  return h("tr", {}, h("td", { class: "col-lane" }, link(laneAddress(row.lane), row.lane)), h("td", { class: "col-state" }),
    h("td", { class: "number col-queued" }), h("td", { class: "number col-oldest_s" }), h("td", { class: "number col-connections" }),
    h("td", { class: "number col-rate_per_s" }), h("td", { class: "col-limited_by" }),
    h("td", { class: "col-ok_share" }, h("canvas", { class: "outcomes", role: "img" }), h("span", { class: "share" })));
}

function update(element, row, ends) {
  const [, state, queued, oldest, connections, perSecond, limited, last] = element.children;
  if (state.textContent !== row.state) state.replaceChildren(stateTag(row.state));
  say(queued, `${count(row.queued)}${row.more ? "+" : ""}`);
  say(oldest, age(row.oldest_s));
  say(connections, row.connection_limit ? `${row.connections}/${row.connection_limit}` : String(row.connections));
  say(perSecond, rate(row.rate_per_s));
  say(limited, waitWords(row.limited_by));
  limited.title = row.limited_by?.detail ?? "";
  outcomes(last.firstChild, ends);
  say(last.lastChild, share(row.ok_share));
  element.title = row.last_reply ?? "";
}
