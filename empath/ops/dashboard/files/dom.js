// Elements. Whatever a peer has said gets into the page by textContent and by nothing else.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// An address inside the dashboard. app.js follows it without loading the page again.
export function link(href, ...children) {
  return h("a", { href, "data-link": true }, ...children);
}

export const laneAddress = (lane) => `/lane/${encodeURIComponent(lane)}`;
export const messageAddress = (mid) => `/m/${encodeURIComponent(mid)}`;

export function panel(title, attributes, ...children) {
  const { aside, ...rest } = attributes ?? {};
  return h("section", { ...rest, class: `panel ${rest.class ?? ""}` },
    h("div", { class: "panel-head" }, h("h2", {}, title), aside ?? null), ...children);
}

export function facts(...pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) =>
    h("div", { class: typeof value === "string" && (value.length > 40 || value.includes("@")) ? "long" : "" }, h("dt", {}, name), h("dd", {}, value))));
}

// Make the children of a parent those of a list, one for each key. Elements stay the same ones, so that focus, selection
// and what the pointer is on survive.
export function reconcile(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of known.values()) gone.remove();
}

// Whether a place may be drawn anew: not while somebody has the focus in it, or a part of its text selected.
export function isFree(place) {
  const selection = document.getSelection();
  return !place.contains(document.activeElement) && (selection.isCollapsed || !place.contains(selection.anchorNode));
}

export function tag(text, kind, title) {
  return h("span", { class: `tag ${kind ?? ""}`, title }, text);
}
