// One lane: what holds it up, what somebody has decided about it, what waits in it, and what can be done.

import { get, query, Trouble } from "./api.js";
import { actOnLane, breaker, command, endRule, limit, reset, suspend } from "./actions.js";
import { facts, fill, h, isFree, link, messageAddress, panel } from "./dom.js";
import { eventList } from "./events.js";
import { stateTag, waitWords, WORDS } from "./lanes.js";
import { now } from "./live.js";
import { every } from "./overview.js";
import { may } from "./session.js";
import { age, count, moment, rate, share } from "./units.js";

export function show(root, name) {
  document.title = `${name} – Empath`;
  const head = h("div", { class: "grid-head" });
  const about = h("div", { class: "grid" });
  const events = eventList({ lane: name });
  fill(root, h("p", { class: "crumbs" }, link("/", "Overview"), " / lane"), h("h1", {}, name), head, about,
    panel("Events of this lane", { aside: h("div", { class: "tools" }, events.wanted, events.pause) }, events.list, events.note));
  const look = async () => {
    try {
      const [found, waiting] = await Promise.all([get(`/lanes/${encodeURIComponent(name)}`), messages(name)]);
      draw(head, about, found, waiting, look);
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      if (trouble.status) fill(head, h("p", { class: "said" }, `${trouble.message}. ${trouble.why}`));
    }
  };
  const ends = [every(2000, look), events.end];
  return () => ends.forEach((end) => end());
}

const hops = new Set();

// A lane that is a next hop has no domains to choose its mail by.
async function messages(lane) {
  if (lane.includes(":") || hops.has(lane)) return null;
  try {
    return (await get(`/messages${query({ lane, limit: 50 })}`)).deliveries;
  } catch (trouble) {
    if (trouble.status !== 422) throw trouble;
    hops.add(lane);
    return null;
  }
}

function draw(head, about, found, waiting, look) {
  const { lane } = found;
  const buttons = may("operate") ? actions(found, look) : [];
  const focused = document.activeElement?.dataset.act;
  fill(head, facts(["State", stateTag(lane.state)], ["Queued", `${count(lane.queued)}${lane.more ? "+" : ""}`],
    found.set_aside ? ["Set aside", count(found.set_aside)] : null, ["Oldest", age(lane.oldest_s)],
    ["Connections", lane.connection_limit ? `${lane.connections} of ${lane.connection_limit}, window ${lane.window}` : "–"], ["Rate", rate(lane.rate_per_s)],
    ["Limited by", waitWords(lane.limited_by)], ["Breaker", lane.breaker.replace("_", " ")], ["OK 15 min", share(lane.ok_share)],
    ["p95", age(lane.p95_s)], ["Last reply", lane.last_reply || "–"]),
  h("div", { class: "buttons left" }, buttons));
  head.querySelector(`[data-act="${focused}"]`)?.focus();
  if (!isFree(about)) return;
  fill(about,
    panel("Gates", { class: "half" }, gates(found.gates)),
    panel("Decisions and requests", { class: "half" }, rules(found.rules, look), asked(found.asked),
      h("h3", {}, "Commands"), found.actions.map(command)),
    panel("Mail of this lane", { class: "full" }, deliveries(waiting)));
}

function actions({ lane, rules: inForce }, look) {
  const button = (name, act, kind = "") => h("button", { type: "button", class: kind, "data-act": name, onclick: () => act().then(look) }, name);
  const suspension = inForce.find((rule) => rule.kind === "suspension" && rule.lane === lane.lane);
  const isOpen = lane.breaker !== "closed";
  return [
    suspension ? button("Resume", () => endRule(suspension), "primary") : button("Suspend", () => suspend(lane.lane)),
    button("Limit", () => limit(lane.lane)), button("Retry all", () => actOnLane("retry", lane.lane)),
    button("Hold all", () => actOnLane("hold", lane.lane)), button("Bounce all", () => actOnLane("bounce", lane.lane), "danger"),
    button(isOpen ? "Close breaker" : "Open breaker", () => breaker(lane.lane, isOpen)), button("Reset", () => reset(lane.lane)),
  ];
}

export function gates(list) {
  if (!list.length) return h("p", { class: "faint" }, "No gate is asked now: there is nothing to send.");
  const used = (gate) => (gate.limit === null ? "" : `${gate.used ?? 0} of ${gate.limit}`);
  return h("table", { class: "plain" }, h("tbody", {}, list.map((gate) => h("tr", {},
    h("td", {}, h("span", { class: `sign ${gate.ok ? "good" : "bad"}` }, gate.ok ? "✓" : "✗"), WORDS[gate.name] ?? gate.name.replaceAll("_", " ")),
    h("td", { class: "number" }, used(gate)), h("td", { class: "words" }, gate.detail)))));
}

export function rules(list, look) {
  if (!list.length) return h("p", { class: "faint" }, "No decision of an operator is in force here.");
  return h("ul", { class: "rules" }, list.map((rule) => h("li", {}, h("b", {}, `${rule.id} ${rule.kind}`), ` by ${rule.by}`,
    rule.expires ? `, for another ${age(rule.expires - now())}` : ", until somebody ends it", rule.reason ? ` – ${rule.reason}` : "",
    may("operate") ? h("button", { type: "button", class: "text", onclick: () => endRule(rule).then(look) }, "end it") : null)));
}

function asked(list) {
  const times = new Map();
  for (const { what, cause } of list) times.set(`${what}\n${cause}`, (times.get(`${what}\n${cause}`) ?? 0) + 1);
  return list.length ? [h("h3", {}, "Asked by its hosts"), h("ul", { class: "rules" }, [...times].map(([one, number]) => {
    const [what, cause] = one.split("\n");
    return h("li", {}, h("b", {}, what), number > 1 ? ` ×${number}` : "", ` – ${cause}`);
  }))] : null;
}

function deliveries(list) {
  if (list === null) return h("p", { class: "faint" }, "This lane is a next hop; its mail is listed by domain only.");
  if (!list.length) return h("p", { class: "faint" }, "There is none.");
  return h("div", { class: "scroll" }, h("table", { class: "mail" },
    h("thead", {}, h("tr", {}, ["Message", "Recipient", "Status", "Age", "Attempts", "Next", "Last reply"].map((name) =>
      h("th", { scope: "col", class: ["Age", "Attempts"].includes(name) ? "number" : "" }, name)))),
    h("tbody", { "data-list": true }, list.map((row) => h("tr", { title: row.reply }, h("td", {}, link(messageAddress(row.mid), row.mid)), h("td", {}, row.recipient),
      h("td", {}, row.wait ? WORDS[row.wait] ?? row.wait.replaceAll("_", " ") : row.status.replace("_", " ")), h("td", { class: "number" }, age(now() - row.received)),
      h("td", { class: "number" }, String(row.attempts)), h("td", { title: moment(row.next_attempt) }, row.next_attempt ? `in ${age(row.next_attempt - now())}` : "–"),
      h("td", { class: "words" }, row.reply)))),
  ), list.length === 50 ? h("p", { class: "faint" }, "The oldest 50.") : null);
}
