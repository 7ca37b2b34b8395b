// Everything by keys. Lists are elements with data-list; their rows take the focus.

import { h } from "./dom.js";

const KEYS = [
  ["j, k", "next and previous row; also the arrow keys"],
  ["Enter", "open it"],
  ["/", "filter"],
  ["Esc", "leave a field or a dialog; else back to the overview"],
  ["g", "go to a message, an address or a lane"],
  ["o, c", "overview; captured mail"],
  ["p", "hold the live events, and go on"],
  ["t", "dark, light, or as the system"],
  ["?", "these keys"],
];

export function listen({ go, find, theme }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Escape") {
      if (typing) typing.blur();
      else go("/");
      return;
    }
    if (typing) return;
    const actions = {
      j: () => step(1), ArrowDown: () => inList(event) && step(1), k: () => step(-1), ArrowUp: () => inList(event) && step(-1),
      "/": () => document.querySelector("[data-filter]")?.focus(), "?": showKeys, g: find, t: theme,
      o: () => go("/"), c: () => go("/captured"), p: () => document.querySelector("[data-pause]")?.click(),
      Enter: () => event.target.matches("[data-list] > *") && event.target.querySelector("a[href]")?.click(),
    };
    if (!actions[event.key]) return;
    if (actions[event.key]() !== false) event.preventDefault();
  });
}

const inList = (event) => Boolean(event.target.closest("[data-list]"));

function step(by) {
  const rows = [...document.querySelectorAll("[data-list] > *")].filter((row) => row.offsetParent !== null);
  const at = rows.indexOf(document.activeElement?.closest("[data-list] > *"));
  const row = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!row) return;
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

export function showKeys() {
  const dialog = h("dialog", { class: "dialog" }, h("form", { method: "dialog" }, h("h2", {}, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
    h("div", { class: "buttons" }, h("button", { class: "primary", autofocus: true }, "Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// One question with one field: resolves to what was typed, or to null.
export function prompt(title, hint) {
  return new Promise((resolve) => {
    const field = h("input", { id: "asked", autocomplete: "off", spellcheck: "false" });
    const dialog = h("dialog", { class: "dialog" },
      h("form", { method: "dialog" }, h("h2", {}, h("label", { for: "asked" }, title)), h("p", {}, hint), field,
        h("div", { class: "buttons" }, h("button", { class: "primary", value: "ok" }, "Go"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "ok" ? field.value.trim() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
