// What happens, line by line. Held, it goes on counting.

import { get, query } from "./api.js";
import { h, laneAddress, link, messageAddress, say } from "./dom.js";
import { watch } from "./live.js";
import { age, clock } from "./units.js";

const KEPT = 300;
const KINDS = { delivered: "good", deferred: "warn", bounced: "bad", error: "bad", rejected: "bad", expired: "bad", breaker: "bad",
  received: "info", rule_set: "info", rule_ended: "info", steered: "warn", operator: "info", deleted: "bad", held: "warn", released: "info", config: "info", login: "info" };

export const timeOf = (record) => (record.time ? Date.parse(record.time) / 1000 : record.timestamp);

export function keyOf(record) {
  return [record.time, record.event, record.mid, record.outcome, record.lane, record.recipients?.[0], record.attempt_number].join("|");
}

// A record in words: what is worth reading of its kind, in one line.
export function wordsOf(record) {
  const whom = (record.recipients ?? []).join(", ") + (record.more_recipients ? ` and ${record.more_recipients} more` : "");
  const parts = [];
  if (record.event === "received") parts.push(`${record.sender || "<>"} → ${whom}`, record.peer ? `from ${record.peer}` : "");
  else if (record.event === "breaker") parts.push(`${record.before} → ${record.after}`);
  else if (record.event === "steered") parts.push(record.action, record.cause);
  else if (record.event === "rule_set") parts.push(`${record.rule} ${record.kind} of ${record.scope}`, record.by && `by ${record.by}`, record.reason);
  else if (record.event === "rule_ended") parts.push(`${record.rule} ${record.kind} of ${record.scope}`, record.by && `by ${record.by}`);
  else if (record.by) parts.push(record.selector, record.terms, record.count ? `${record.count} deliveries` : "", `by ${record.by}`, record.reason);
  else parts.push(record.event !== "attempt" && record.outcome, whom, record.mx_server, record.smtp_response || record.reply || record.reason);
  if (["bounced", "expired"].includes(record.event)) {
    parts.push(record.class?.replaceAll("_", " "), record.enhanced, record.report && `its sender is told by ${record.report}`);
  }
  if (record.attempt_number) parts.push(`attempt ${record.attempt_number}`);
  if (record.duration_ms !== undefined && record.duration_ms !== null) parts.push(age(record.duration_ms / 1000));
  return parts.filter(Boolean).join(" · ");
}

export function eventRow(record) {
  const kind = record.event === "attempt" ? record.outcome : record.event;
  return h("li", {}, h("time", {}, clock(timeOf(record))), h("span", { class: `kind ${KINDS[kind] ?? ""}` }, kind.replaceAll("_", " ")),
    record.mid ? link(messageAddress(record.mid), record.mid) : record.lane ? link(laneAddress(record.lane), record.lane) : h("span", {}, ""),
    h("span", { class: "words" }, wordsOf(record)));
}

// A list that follows the events a filter of the API chooses. Returns its parts, and what ends it.
export function eventList(filter = {}) {
  const list = h("ol", { class: "events", "data-list": true });
  const pause = h("button", { type: "button", class: "quiet", "data-pause": true, "aria-pressed": "false", onclick: () => hold(!held) }, "Pause");
  const wanted = h("input", { type: "search", placeholder: "filter: any word", "aria-label": "Filter events", oninput: () => draw() });
  const note = h("p", { class: "faint" }, "Nothing has happened yet.");
  const seen = new Set();
  let records = [];
  let waiting = 0;
  let dropped = 0;
  let held = false;

  function hold(on) {
    held = on;
    waiting = 0;
    pause.setAttribute("aria-pressed", String(on));
    if (!on) draw();
    tell();
  }

  function tell() {
    say(pause, held ? `Go on${waiting ? ` (${waiting})` : ""}` : "Pause");
    const gap = dropped ? `${dropped} events were left out: more happened than a page can show.` : "";
    say(note, records.length ? gap : "Nothing has happened yet.");
  }

  function draw() {
    const word = wanted.value.trim().toLowerCase();
    const shown = records.filter((record) => !word || JSON.stringify(record).toLowerCase().includes(word));
    list.replaceChildren(...shown.slice(0, 100).map(eventRow));
  }

  const take = (found, gap) => {
    dropped += gap;
    const fresh = found.filter((record) => !seen.has(keyOf(record)));
    fresh.forEach((record) => seen.add(keyOf(record)));
    records = [...fresh.reverse(), ...records].sort((a, b) => timeOf(b) - timeOf(a)).slice(0, KEPT);
    if (seen.size > 10 * KEPT) {
      seen.clear();
      records.forEach((record) => seen.add(keyOf(record)));
    }
    waiting += held ? fresh.length : 0;
    if (fresh.length && !held && !list.contains(document.activeElement)) draw();
    tell();
  };

  const end = watch("events", take, { every: 0.25, ...(Object.keys(filter).length ? { filter } : {}) });
  get(`/events${query({ limit: 100, ...filter })}`).then((found) => take(found.events, 0), () => null);  // what was before
  return { list, pause, wanted, note, end };
}
