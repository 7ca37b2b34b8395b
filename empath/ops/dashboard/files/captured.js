// The mail of the sandbox: a list, and one message with its header, its text, its HTML and its source.

import { get, request, Trouble } from "./api.js";
import { command } from "./actions.js";
import { facts, fill, h, link, messageAddress, panel, reconcile, say } from "./dom.js";
import { every } from "./overview.js";
import { now } from "./live.js";
import { age, moment, size } from "./units.js";

export function list(root) {
  document.title = "Captured mail – Empath";
  const rows = h("tbody", { "data-list": true });
  const note = h("p", { class: "faint" });
  const filter = h("input", { type: "search", placeholder: "filter: address or subject", "aria-label": "Filter messages", "data-filter": true, oninput: () => draw() });
  let messages = [];
  const draw = () => {
    const word = filter.value.trim().toLowerCase();
    const shown = messages.filter((one) => `${one.sender} ${one.recipients.join(" ")} ${one.subject}`.toLowerCase().includes(word));
    reconcile(rows, shown.slice(0, 500), (one) => one.number, makeRow, (row, one) => say(row.lastChild, age(now() - one.time)));
    say(note, messages.length ? "" : "Nothing was captured yet.");
    if (!messages.length) fill(note, "Nothing was captured yet. Send something: ", h("code", {}, "empath send --to ann@example.org"));
  };
  fill(root, h("p", { class: "crumbs" }, link("/", "Overview"), " / captured mail"), h("h1", {}, "Captured mail"),
    panel("Messages that would have left", { aside: filter }, h("div", { class: "scroll" }, h("table", { class: "captured" },
      h("thead", {}, h("tr", {}, ["Subject", "From", "To", "Size", "Age"].map((name) => h("th", { scope: "col" }, name)))), rows)), note));
  return every(2000, async () => {
    try {
      messages = (await get("/captured")).messages;
      draw();
    } catch (trouble) {
      fill(note, trouble.status === 403 ? `${trouble.message}: ${trouble.why}.` : trouble.message);
    }
  });
}

function makeRow(one) {
  return h("tr", {}, h("td", { class: "subject" }, link(`/captured/${one.number}`, one.subject || "(no subject)")), h("td", {}, one.sender || "<>"),
    h("td", {}, one.recipients.join(", ")), h("td", { class: "number" }, size(one.size_bytes)), h("td", { class: "number" }));
}

export function show(root, number) {
  const place = h("div", {});
  const title = h("h1", {}, `Message ${number}`);
  fill(root, h("p", { class: "crumbs" }, link("/", "Overview"), " / ", link("/captured", "captured mail"), ` / ${number}`), title, place);
  const path = `/captured/${encodeURIComponent(number)}`;
  get(path).then((found) => {
    say(title, found.message.subject || "(no subject)");
    document.title = `${title.textContent} – Empath`;
    draw(place, path, found);
  }, (trouble) => {
    if (!(trouble instanceof Trouble)) throw trouble;
    fill(place, h("p", {}, `${trouble.message}: ${trouble.why}.`));
  });
  return () => null;
}

function draw(place, path, { message, header, text, html, parts }) {
  const shown = h("div", { class: "content", role: "tabpanel", tabindex: "0" });
  const plain = async (kind) => fill(shown, h("pre", {}, await request("GET", `${path}/${kind}`, undefined, "text")));
  const views = [
    html && ["HTML", async () => fill(shown, frame(path))], text && ["Text", () => plain("text")],
    ["Header", async () => fill(shown, h("table", { class: "plain header" }, h("tbody", {}, header.map(({ name, value }) =>
      h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value))))))],
    ["Source", () => plain("raw")],
  ].filter(Boolean);
  const tabs = h("div", { class: "tabs", role: "tablist" }, views.map(([name, open]) => h("button", { type: "button", role: "tab", "aria-selected": "false", onclick: (event) => {
    tabs.querySelectorAll("button").forEach((tab) => tab.setAttribute("aria-selected", String(tab === event.currentTarget)));
    open().catch((trouble) => say(shown, trouble.message));
  } }, name)));
  fill(place, facts(["From", message.sender || "<>"], ["To", message.recipients.join(", ")], ["Captured", moment(message.time)], ["Size", size(message.size_bytes)],
    message.mid ? ["Message", link(messageAddress(message.mid), message.mid)] : null),
  parts.length ? h("p", { class: "faint" }, `Attached: ${parts.map((one) => `${one.name || one.media_type} (${size(one.size_bytes)})`).join(", ")}`) : null,
  panel("Content", { aside: tabs }, shown), command(`empath captured show ${message.number}`));
  tabs.firstElementChild.click();
}

// In a site of its own, without scripts; the policy of its answer forbids it to load anything.
function frame(path) {
  return h("iframe", { sandbox: "", referrerpolicy: "no-referrer", src: `/api/v1${path}/html`, title: "The HTML of the message" });
}
