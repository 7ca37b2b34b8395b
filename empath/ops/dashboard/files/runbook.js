// What to do when an alert comes: a section of the documentation's page on operations, which is served as it is written.

import { fill, h, link } from "./dom.js";

export function show(root, name) {
  document.title = `${name} – Empath`;
  const text = h("div", { class: "prose" });
  fill(root, h("p", { class: "crumbs" }, link("/", "Overview"), " / runbook"), h("h1", {}, name), h("section", { class: "panel" }, text));
  fetch("/dashboard/operations.rst").then((answer) => answer.text()).then((found) => {
    const section = sections(found).get(name);
    fill(text, section ? section.map(paragraph) : h("p", {}, "There is no such runbook."));
  });
  return () => null;
}

// The paragraphs of each section, by its title.
function sections(text) {
  const found = new Map();
  let paragraphs = [];
  for (const block of text.trim().split(/\n{2,}/)) {
    const title = /^(\w+)\n-+$/.exec(block);
    if (title) found.set(title[1], (paragraphs = []));
    else paragraphs.push(block);
  }
  return found;
}

// ``code`` and *words*; indented blocks are commands.
function paragraph(block) {
  if (block.startsWith("   ")) return h("pre", {}, block.replace(/^ {3}/gm, ""));
  const parts = block.replaceAll("\n", " ").replace(/::$/, ":").split(/(``[^`]+``|\*[^*]+\*)/);
  return h("p", {}, parts.map((part) =>
    part.startsWith("``") ? h("code", {}, part.slice(2, -2)) : part.startsWith("*") ? h("b", {}, part.slice(1, -1)) : part));
}
