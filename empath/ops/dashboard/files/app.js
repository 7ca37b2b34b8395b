// The page as a whole: which view is shown, what the line at the top says, and how the connection does.

import { get } from "./api.js";
import * as captured from "./captured.js";
import { fill, h, laneAddress, messageAddress, say, tag } from "./dom.js";
import { listen, prompt, showKeys } from "./keys.js";
import * as lane from "./lane.js";
import { link, moved, start, watch } from "./live.js";
import * as message from "./message.js";
import * as overview from "./overview.js";
import * as runbook from "./runbook.js";
import { ask, begin, changed, end, may, session } from "./session.js";
import { age, moment } from "./units.js";
import { nameless } from "./api.js";

const VIEWS = [
  [/^\/$/, overview.show], [/^\/lane\/([^/]+)$/, lane.show], [/^\/m\/([^/]+)$/, message.show],
  [/^\/captured$/, captured.list], [/^\/captured\/([^/]+)$/, captured.show], [/^\/runbook\/([^/]+)$/, runbook.show],
];
const THEMES = ["auto", "dark", "light"];
const at = (id) => document.getElementById(id);
let leave = () => null;

function draw() {
  leave();
  leave = () => null;
  const root = at("main");
  for (const [pattern, show] of VIEWS) {
    const found = pattern.exec(location.pathname);
    if (found) {
      leave = show(root, ...found.slice(1).map(decodeURIComponent));
      document.querySelectorAll("nav a").forEach((one) =>
        one.setAttribute("aria-current", one.getAttribute("href") === location.pathname ? "page" : "false"));
      return;
    }
  }
  fill(root, h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "/", "data-link": true }, "Overview")));
}

function go(path) {
  if (path !== location.pathname) history.pushState(null, "", path);
  draw();
  window.scrollTo(0, 0);
}

async function find() {
  const about = await prompt("Go to", "A message (6911c5b5-2a), an address, or a lane.");
  if (!about) return;
  if (/^[0-9a-f]{8}-[0-9a-f]{1,16}$/.test(about)) go(messageAddress(about));
  else if (!about.includes("@")) go(laneAddress(about));
  else go(laneAddress((await get(`/explain?about=${encodeURIComponent(about)}`)).way.lane));
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("empath.theme", name);
  say(at("theme"), { auto: "Auto", dark: "Dark", light: "Light" }[name]);
}

function turnTheme() {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
  draw();
}

let status = null;
let inForce = new Map();

function drawTop() {
  if (!status) return;
  say(at("node"), `${status.node} · ${status.version} · up ${age(status.now - status.started)}`);
  const rules = [...inForce.values()];
  const number = (kind, name) => {
    const many = rules.filter((rule) => rule.kind === kind).length;
    return many ? tag(`${many} ${name}${many > 1 ? "s" : ""}`, "warn") : null;
  };
  const badges = [
    status.ready ? tag("READY", "good") : tag(`NOT READY: ${(status.failing ?? []).join(", ")}`, "bad"),
    status.state === "draining" ? tag("DRAINING", "warn") : null,
    status.mode === "sandbox" ? tag("SANDBOX", "info") : null,
    status.frozen ? tag("FROZEN", "bad") : null,
    number("suspension", "suspension"), number("overlay", "overlay"), number("breaker", "breaker by hand"),
    status.reload_problem ? tag("RELOAD FAILED", "bad", status.reload_problem) : null,
    status.needs_restart?.length ? tag("restart pending", "warn", `Waiting for a restart: ${status.needs_restart.join(", ")}`) : null,
  ].filter(Boolean);
  if (at("badges").textContent !== badges.map((one) => one.textContent).join("")) fill(at("badges"), badges);
  at("to-captured").hidden = status.mode !== "sandbox";
}

function drawLink() {
  const seconds = link.lastAt ? (Date.now() - link.lastAt) / 1000 : null;
  const words = { connecting: "connecting", live: "live", polling: "asking every 2 s", lost: "not connected" };
  const mark = at("link");
  mark.dataset.state = link.state;
  say(mark, `● ${words[link.state]}${link.state === "live" && seconds > 2 ? ` ${age(seconds)}` : ""}`);
  const isOld = link.state === "lost" && seconds !== null;
  document.body.classList.toggle("old", isOld);
  at("banner").hidden = !isOld;
  const next = link.retryAt ? `Next try in ${Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000))} s.` : "Trying.";
  if (isOld) say(at("banner"), `Not connected: ${link.why}. These figures are ${age(seconds)} old, of ${moment(link.lastAt / 1000)}. ${next}`);
}

function drawWho() {
  say(at("who"), session.name ? `${session.name}${may("operate") ? "" : ", read only"}` : "Log in");
  at("who").title = session.name ? `Scopes: ${session.scopes.join(", ")}. Click to log out.` : "";
}

async function main() {
  setTheme(localStorage.getItem("empath.theme") ?? "auto");
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest("a[data-link]");
    if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(anchor.getAttribute("href"));
  });
  window.addEventListener("popstate", draw);
  at("theme").addEventListener("click", turnTheme);
  at("help").addEventListener("click", showKeys);
  at("who").addEventListener("click", () => (session.name ? end() : ask()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  listen({ go, find, theme: turnTheme });
  nameless.addEventListener("nameless", () => session.name && ask());
  let wasAs = null;
  changed.addEventListener("changed", () => {
    drawWho();
    if (session.name && wasAs !== session.name + session.scopes) draw();
    wasAs = session.name + session.scopes;
  });
  drawWho();
  moved.addEventListener("moved", drawLink);
  setInterval(drawLink, 500);
  start();
  watch("stats", (rows) => {
    status = rows.get("all") ?? status;
    drawTop();
  });
  watch("rules", (rows) => {
    inForce = rows;
    drawTop();
  });
  await begin();
}

main();
