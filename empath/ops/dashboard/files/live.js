// What goes on, as it goes on: by the websocket, and while there is none by asking again.
//
// watch() is told of a topic again and again until it is ended. Connections come and go below it: each new one asks for
// everything anew, after a pause that grows and is never the same, so that the pages of many do not come at once.

import { get, nameless, query, Trouble } from "./api.js";
import { session, changed } from "./session.js";

const POLL_MS = 2000;
const LONGEST_PAUSE_MS = 15000;
const byKey = (list, key) => Object.fromEntries(list.map((one) => [one[key], one]));
const POLLED = {
  stats: ["/status", (found) => ({ all: found })],
  queue: ["/queue", (found) => ({ all: found })],
  lanes: ["/lanes", (found) => byKey(found.lanes, "lane")],
  rules: ["/rules", (found) => byKey(found.rules, "id")],
};
const REASONS = {
  1008: "the daemon could not make sense of this page",
  1012: "the daemon is stopping or restarting",
  1013: "this page did not keep up with what came",
  4401: "the login has ended",
};

// state: "connecting", "live", "polling" (no websocket, and requests are answered), "lost".
export const link = { state: "connecting", why: "", lastAt: null, retryAt: null };
export const moved = new EventTarget();

const watches = new Map();
let nextId = 1;
let socket = null;
let failures = 0;
let clockAhead = 0;
let parting = "";

export function now() {
  return Date.now() / 1000 + clockAhead;
}

// told(rows) for a state topic, told(records, dropped) for events. Returns what ends it.
export function watch(topic, told, options = {}) {
  const id = nextId++;
  watches.set(id, { topic, told, options, rows: new Map(), seq: 0 });
  if (link.state === "live") send({ op: "sub", id, topic, ...options });
  else if (link.state === "polling") poll();
  return () => {
    watches.delete(id);
    if (link.state === "live") send({ op: "unsub", id });
  };
}

export function start() {
  changed.addEventListener("changed", () => {
    if (session.name) connect();
    if (!session.name && socket) socket.close();
  });
  setInterval(() => link.state !== "live" && session.name && poll(), POLL_MS);
  if (session.name) connect();
}

function move(state, why = "") {
  link.state = state;
  link.why = why;
  moved.dispatchEvent(new Event("moved"));
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  if (socket) return;
  link.retryAt = null;
  parting = "";
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/live`, "empath.live.v1");
  socket.addEventListener("message", (event) => take(JSON.parse(event.data)));
  socket.addEventListener("close", (event) => closed(event.code));
}

function closed(code) {
  socket = null;
  if (!session.name) return;
  const why = parting || REASONS[code] || "the connection broke";
  if (link.state !== "polling") move("lost", why);
  const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures) * (0.5 + Math.random());
  failures += 1;
  link.retryAt = Date.now() + pause;
  setTimeout(() => session.name && connect(), pause);
  poll();
}

function take(frame) {
  link.lastAt = Date.now();
  const known = watches.get(frame.id);
  switch (frame.t) {
    case "hello":
      failures = 0;
      clockAhead = frame.now - Date.now() / 1000;
      move("live");
      for (const [id, { topic, options }] of watches) send({ op: "sub", id, topic, ...options });
      break;
    case "snap":
      if (!known) break;
      known.rows = new Map(Object.entries(frame.data.rows));
      known.seq = frame.seq;
      known.told(known.rows);
      break;
    case "delta":
      if (known) merge(known, frame);
      break;
    case "event":
      known?.told(frame.data, 0);
      break;
    case "gap":
      known?.told([], frame.dropped);
      break;
    case "bye":
      parting = frame.reason === "restart" ? REASONS[1012] : frame.reason;
      break;
    case "error":
      console.warn("live", frame.code, frame.why);
      break;
    default:
  }
}

function merge(known, frame) {
  if (frame.seq !== known.seq + 1) {
    send({ op: "resync", id: frame.id });
    return;
  }
  known.seq = frame.seq;
  for (const [key, fields] of Object.entries(frame.set ?? {})) {
    const row = { ...known.rows.get(key) };
    for (const [name, value] of Object.entries(fields)) {
      if (value === null) delete row[name];
      else row[name] = value;
    }
    known.rows.set(key, row);
  }
  for (const key of frame.del ?? []) known.rows.delete(key);
  known.told(known.rows);
}

let polling = false;

async function poll() {
  if (polling) return;
  polling = true;
  try {
    for (const one of [...watches.values()]) {
      if (link.state === "live") break;
      await pollOne(one);
    }
    link.lastAt = Date.now();
    if (link.state !== "live") move("polling", link.why);
  } catch (trouble) {
    if (!(trouble instanceof Trouble)) throw trouble;
    if (link.state !== "live") move("lost", trouble.why || trouble.message);
  } finally {
    polling = false;
  }
}

async function pollOne({ topic, told, options }) {
  if (topic === "events") {
    told((await get(`/events${query({ limit: 100, ...options.filter })}`)).events, 0);
    return;
  }
  const [path, rowsOf] = POLLED[topic];
  const found = await get(path);
  if (found.now) clockAhead = found.now - Date.now() / 1000;
  told(new Map(Object.entries(rowsOf(found))));
}

nameless.addEventListener("nameless", () => move("lost", "you are not logged in"));
