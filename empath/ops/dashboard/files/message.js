// One message: where it is, why, what has happened to it, and what can be done.

import { get, query, request, Trouble } from "./api.js";
import { actOnMessage, command, verbName } from "./actions.js";
import { facts, fill, h, isFree, laneAddress, link, panel, tag } from "./dom.js";
import { eventRow, keyOf, timeOf } from "./events.js";
import { gates, rules } from "./lane.js";
import { waitWords } from "./lanes.js";
import { now } from "./live.js";
import { every } from "./overview.js";
import { may } from "./session.js";
import { age, moment, size } from "./units.js";

const MOST_SHOWN = 1048576;
const KINDS = { pending: "info", in_progress: "info", retry: "warn", held: "warn", uncertain: "bad", failed: "bad", expired: "bad", completed: "good" };

export function show(root, mid) {
  document.title = `${mid} – Empath`;
  const head = h("div", { class: "grid-head" });
  const body = h("div", {});
  const course = h("ol", { class: "events" });
  const copies = h("div", {});
  const source = h("div", {});
  let past = [];
  fill(root, h("p", { class: "crumbs" }, link("/", "Overview"), " / message"), h("h1", { class: "mono" }, mid), head, body, copies, source,
    panel("What has happened", {}, course));
  let isGone = false;
  const look = async () => {
    const here = (path) => (isGone ? Promise.reject(new Trouble(404, {})) : get(path));
    const [message, why, told, captured] = await Promise.allSettled([
      here(`/messages/${encodeURIComponent(mid)}`), here(`/messages/${encodeURIComponent(mid)}/explain`),
      get(`/events${query({ mid, limit: 100 })}`), may("content") ? get("/captured") : Promise.resolve({ messages: [] })]);
    if (message.status === "fulfilled") drawHead(head, message.value, look);
    else drawAbsent(head, message.reason);
    isGone = message.reason?.status === 404;
    const stories = why.status === "fulfilled" ? why.value.deliveries : [];
    if (isFree(body)) fill(body, stories.map((story) => drawStory(story, look)));
    if (captured.status === "fulfilled" && isFree(copies)) drawCopies(copies, captured.value.messages.filter((one) => one.mid === mid));
    if (message.status === "fulfilled" && may("content") && !source.firstChild) drawSource(source, message.value);
    if (isFree(course)) drawCourse(course, told.status === "fulfilled" ? told.value.events : [], message.value, stories, past);
  };
  // Once: what comes later is among the events.
  get(`/history${query({ of: mid, limit: 1000 })}`).then((found) => { past = found.stories; return look(); }, () => null);
  return every(3000, look);
}

function drawAbsent(head, trouble) {
  if (!(trouble instanceof Trouble)) throw trouble;
  if (trouble.status) fill(head, h("p", {}, trouble.status === 404 ? "It is not in the queue: it was delivered, reported or removed, or was never here." : trouble.message));
}

function drawHead(head, message, look) {
  const focused = document.activeElement?.dataset.act;
  fill(head, facts(["From", message.sender || "<>"], ["Received", moment(message.received)], ["Age", age(now() - message.received)],
    ["Size", size(message.size_bytes)], ["Deliveries", String(message.deliveries.length)]),
  h("div", { class: "buttons left" }, may("operate") ? verbs(message.deliveries).map((verb) =>
    h("button", { type: "button", "data-act": verb, class: ["bounce", "delete"].includes(verb) ? "danger" : "", onclick: () => actOnMessage(verb, message.mid).then(look) },
      verbName(verb))) : null));
  head.querySelector(`[data-act="${focused}"]`)?.focus();
}

function verbs(deliveries) {
  const any = (test) => deliveries.some(test);
  return [
    any((one) => !one.deleted && ["retry", "pending"].includes(one.status)) && "retry",
    any((one) => !one.deleted && ["retry", "pending"].includes(one.status)) && "hold",
    any((one) => !one.deleted && one.status === "held") && "release",
    any((one) => !one.deleted && ["retry", "pending", "held"].includes(one.status)) && "bounce",
    any((one) => !one.deleted && one.status !== "in_progress") && "delete",
    any((one) => one.deleted) && "undelete",
  ].filter(Boolean);
}

function drawStory(story, look) {
  const { delivery } = story;
  const status = delivery.deleted ? "deleted" : delivery.status;
  return panel(delivery.recipient, { aside: tag(status.replace("_", " "), KINDS[delivery.status]) },
    facts(["Waits for", waitWords(story.wait)], ["Because", story.wait?.detail || "–"], ["Lane", story.lane ? link(laneAddress(story.lane), story.lane) : "–"],
      ["Attempts", `${delivery.attempts} of ${story.max_attempts}`], ["Next", delivery.next_attempt ? `${moment(delivery.next_attempt)}` : "–"],
      ["Expires", moment(story.expires)],
      delivery.reply && delivery.reply !== story.wait?.detail ? ["Last reply", delivery.reply] : null, delivery.note ? ["Note", delivery.note] : null),
    h("div", { class: "columns" }, h("div", {}, h("h3", {}, "Gates"), gates(story.gates)),
      h("div", {}, h("h3", {}, "Decisions"), rules(story.rules, look), story.actions.length ? h("h3", {}, "Commands") : null, story.actions.map(command))));
}

function drawCopies(place, found) {
  fill(place, found.length ? panel("Captured", {}, h("ul", { class: "rules" }, found.map((one) =>
    h("li", {}, link(`/captured/${one.number}`, one.subject || "(no subject)"), ` – ${one.recipients.join(", ")}, ${size(one.size_bytes)}`)))) : null);
}

function drawSource(place, message) {
  const shown = h("div", { class: "content", role: "tabpanel", tabindex: "0" });
  const tab = (name, asked) => h("button", { type: "button", role: "tab", "aria-selected": "false", onclick: (event) => {
    tabs.querySelectorAll("button").forEach((one) => one.setAttribute("aria-selected", String(one === event.currentTarget)));
    request("GET", `/messages/${encodeURIComponent(message.mid)}/raw${asked}`, undefined, "text")
      .then((text) => fill(shown, h("pre", {}, text)), (trouble) => fill(shown, h("p", {}, `${trouble.message}: ${trouble.why}.`)));
  } }, name);
  const tabs = h("div", { class: "tabs", role: "tablist" }, tab("Header", "?headers=true"), message.size_bytes <= MOST_SHOWN ? tab("Source", "") : null);
  fill(place, panel("Content", { aside: tabs }, shown, command(`empathctl queue view ${message.mid} --raw`)));
}

// What the audit log knows, as the records that it was made of.
function recordsOf(past) {
  const came = past.filter((story) => story.received !== null);
  const first = came[0];
  const received = first ? [{ timestamp: first.received, event: "received", sender: first.sender, recipients: came.map((story) => story.recipient), peer: first.client }] : [];
  return received.concat(past.flatMap((story) => story.steps.map((step) => ({ ...step, timestamp: step.at, recipients: [story.recipient], attempt_number: step.attempt, class: step.about }))));
}

// What is known of it, the oldest first: what the audit log has, events that were told since, or attempts that are older than these.
function drawCourse(place, events, message, stories, past) {
  const known = recordsOf(past);
  const last = Math.max(...known.map((record) => record.timestamp), -Infinity);
  const told = new Map([...known, ...events.filter((record) => timeOf(record) > last)].map((record, at) => [keyOf(record) + (at < known.length ? at : ""), record]));
  const first = Math.min(...[...told.values()].map(timeOf), Infinity);
  const older = stories.flatMap((story) => story.attempts.filter((one) => one.at < first - 1).map((one) =>
    ({ timestamp: one.at, event: "attempt", outcome: "deferred", recipients: [story.delivery.recipient], mx_server: one.host, smtp_response: one.said })));
  const all = [...older, ...told.values()].sort((a, b) => timeOf(a) - timeOf(b));
  if (message && !all.some((record) => record.event === "received")) {
    all.unshift({ timestamp: message.received, event: "received", sender: message.sender, recipients: message.deliveries.map((one) => one.recipient) });
  }
  fill(place, all.length ? all.map(eventRow) : h("li", { class: "faint" }, "The daemon remembers nothing of it; the audit log may: empathctl history, empath audit grep."));
}
