// The first page: how the daemon does, in one look.

import { get } from "./api.js";
import { History, sparkline, timeline } from "./charts.js";
import { endRule } from "./actions.js";
import { fill, h, laneAddress, link, panel, reconcile, say } from "./dom.js";
import { eventList } from "./events.js";
import { LaneTable } from "./lanes.js";
import { watch } from "./live.js";
import { may } from "./session.js";
import { age, count, rate, share, size } from "./units.js";

const AGES = ["<1m", "<5m", "<15m", "<1h", "<4h", ">4h"];
const history = new History("in", "out", "queue");

export function show(root) {
  document.title = "Empath";
  const tiles = makeTiles();
  const lanes = new LaneTable();
  const concerns = h("ul", { class: "concerns", "data-list": true });
  const shape = h("div", { class: "shape" });
  const stages = h("div", { class: "stages" });
  const chart = h("div", { class: "chart" });
  const events = eventList();
  fill(root, h("h1", { class: "unseen" }, "Overview"), h("div", { class: "tiles" }, tiles.all),
    h("div", { class: "grid" },
      panel("Lanes", { class: "wide", aside: lanes.filter }, h("div", { class: "scroll" }, lanes.table), lanes.note),
      panel("Needs attention", { class: "side" }, concerns),
      panel("Traffic", { class: "third" }, chart),
      panel("Queue by age", { class: "third" }, shape),
      panel("Where time goes", { class: "third", aside: h("span", { class: "faint" }, "p95 of the latest 1000") }, stages),
      panel("Live events", { class: "full", aside: h("div", { class: "tools" }, events.wanted, events.pause) }, events.list, events.note)));
  const line = timeline(chart, [
    { label: "in/s", token: "--in", scale: "rate" }, { label: "out/s", token: "--out", scale: "rate" },
    { label: "queue", token: "--queue", scale: "queue" }]);
  let waiting = null;
  const ends = [
    watch("stats", (rows) => {
      const status = rows.get("all");
      if (!status) return;
      history.add(Math.floor(status.now), { in: status.received_per_s, out: status.delivered_per_s, queue: waiting ?? status.queue?.waiting ?? null });
      tiles.stats(status);
      line.set(history.of("in", "out", "queue"));
    }),
    watch("queue", (rows) => {
      const queue = rows.get("all");
      if (!queue) return;
      waiting = queue.pending + queue.in_progress + queue.retry + queue.held + queue.uncertain;
      tiles.queue(queue, waiting);
    }, { every: 1 }),
    watch("lanes", (rows) => (lanes.take(rows), tiles.oldest(rows)), { sort: "queued", limit: 1000 }),
    every(5000, async () => {
      const [recent, attention] = await Promise.all([get("/recent"), get("/attention")]);
      lanes.takeEnds(recent.outcomes);
      drawStages(stages, recent.stages);
      drawConcerns(concerns, attention);
    }),
    every(15000, async () => drawShape(shape, await get("/queue/shape"))),
    events.end, line.end,
  ];
  return () => ends.forEach((end) => end());
}

// Do it now and again and again; what goes wrong is for the next time, and the banner already says so.
export function every(pauseMs, task) {
  let isOver = false;
  const run = async () => {
    if (isOver) return;
    await task().catch(() => null);
    if (!isOver) setTimeout(run, pauseMs);
  };
  run();
  return () => {
    isOver = true;
  };
}

function makeTiles() {
  const tile = (name, token) => {
    const value = h("b", { class: "value" }, "–");
    const under = h("span", { class: "under" });
    const place = h("div", { class: "spark" });
    const element = h("div", { class: "tile", "data-tile": name }, h("span", { class: "name" }, name), h("div", { class: "row" }, value, token ? place : null), under);
    return { element, value, under, line: token ? sparkline(place, token) : null };
  };
  const [received, sent, queue, oldest, ok, disk] = [
    tile("In", "--in"), tile("Out", "--out"), tile("Queue", "--queue"), tile("Oldest due"), tile("OK 15 min"), tile("Disk free")];
  return {
    all: [received, sent, queue, oldest, ok, disk].map(({ element }) => element),
    stats(status) {
      say(received.value, rate(status.received_per_s));
      say(received.under, `${count(status.received)} since the start`);
      say(sent.value, rate(status.delivered_per_s));
      say(sent.under, `${count(status.delivered)} since the start`);
      say(ok.value, share(status.success_rate));
      say(ok.under, status.success_rate === undefined || status.success_rate === null ? "no attempts" : "of all attempts");
      ok.element.classList.toggle("bad", status.success_rate !== null && status.success_rate < 0.8);
      say(disk.value, size(status.free_bytes));
      say(disk.under, "for the spool");
      received.line(history.of("in"));
      sent.line(history.of("out"));
      queue.line(history.of("queue"));
    },
    queue(found, waiting) {
      say(queue.value, count(waiting));
      const parts = [["due", found.pending], ["in flight", found.in_progress], ["retry", found.retry], ["held", found.held], ["uncertain", found.uncertain]];
      say(queue.under, parts.filter(([, number]) => number).map(([name, number]) => `${name} ${count(number)}`).join(" · ") || "empty");
    },
    oldest(rows) {
      let found = null;
      for (const row of rows.values()) if ((row.oldest_s ?? -1) > (found?.oldest_s ?? -1)) found = row;
      say(oldest.value, age(found?.oldest_s));
      say(oldest.under, found ? found.lane : "nothing is due");
    },
  };
}

function drawStages(place, stages) {
  if (!stages.length) return fill(place, h("p", { class: "faint" }, "Nothing was attempted yet."));
  const most = Math.max(...stages.map((one) => one.p95_s), 0.001);
  return fill(place, stages.map((one) => h("div", { class: "bar" }, h("span", {}, one.stage),
    h("meter", { min: 0, max: most, value: one.p95_s, title: `median ${age(one.median_s)}, of ${one.count}` }), h("b", {}, age(one.p95_s)))));
}

function drawShape(place, found) {
  if (!found.rows.length) return fill(place, h("p", { class: "faint" }, "Nothing waits."));
  const heat = (number) => (number ? Math.min(5, 1 + Math.floor(Math.log10(number))) : 0);
  const rows = found.rows.slice(0, 8);
  return fill(place, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Lane"), AGES.map((one) => h("th", { class: "number" }, one)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, link(laneAddress(row.lane), row.lane)),
      row.counts.map((number) => h("td", { class: `number heat${heat(number)}` }, number ? count(number) : "·")))))),
  found.rows.length > rows.length ? h("p", { class: "faint" }, `and ${count(found.rows.length - rows.length)} more lanes`) : null);
}

function drawConcerns(place, { now, concerns }) {
  if (!concerns.length) {
    fill(place, h("li", { class: "calm" }, "Nothing. Every check is well, no breaker is open, no decision is in force."));
    return;
  }
  reconcile(place, concerns, (one) => one.what, () => h("li", {}), (element, one) => {
    const signs = { error: ["✗", "bad"], warning: ["!", "warn"], note: ["•", "info"] };
    const [sign, kind] = signs[one.level];
    const look = JSON.stringify([one, may("operate")]);
    if (element.dataset.look === look) return;
    element.dataset.look = look;
    fill(element, h("span", { class: `sign ${kind}` }, sign), h("div", {},
      h("b", {}, one.what), one.since ? h("span", { class: "faint" }, ` since ${age(now - one.since)}`) : null,
      one.detail ? h("p", {}, one.detail) : null,
      h("p", { class: "links" },
        one.lane ? link(laneAddress(one.lane), "explain") : null,
        one.rule && may("operate") ? h("button", { type: "button", class: "text", onclick: () => endRule(ruleOf(one)) }, "end it") : null,
        one.command ? h("code", {}, one.command) : null,
        one.runbook ? link(`/runbook/${one.runbook}`, "runbook") : null)));
  });
}

function ruleOf({ rule, lane }) {
  const kinds = { sd: "suspension", ov: "overlay", br: "breaker", fz: "freeze", rt: "route", dr: "drain" };
  return { id: rule, lane, kind: kinds[rule.slice(0, 2)] };
}
