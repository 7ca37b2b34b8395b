// Doing something: first what it would do and the command that does the same, then, on a second click, the thing itself.

import { Trouble, request } from "./api.js";
import { fill, h } from "./dom.js";
import { count, moment } from "./units.js";

// For a POSIX shell, and only where it is needed.
export const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export function command(line) {
  const button = h("button", { type: "button", class: "quiet", onclick: async () => {
    await navigator.clipboard.writeText(line);
    fill(button, "copied");
    setTimeout(() => fill(button, "copy"), 1500);
  } }, "copy");
  return h("div", { class: "command" }, h("code", {}, line), button);
}

// title; text; line(values) -> the command; preview() -> text; run(values) -> text; fields: [name, label, default, hint];
// danger. Resolves to whether it was done.
export function confirm({ title, text, line, preview, run, fields = [["reason", "Reason", "", "for the audit log"]], danger }) {
  return new Promise((resolve) => {
    let done = false;
    const inputs = fields.map(([name, , value, hint]) =>
      h("input", { id: `field-${name}`, name, value, placeholder: hint, autocomplete: "off" }));
    const values = () => Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]));
    const shown = h("div", {});
    const said = h("p", { class: "said", role: "status" });
    const act = h("button", { class: danger ? "danger" : "primary" }, title);
    const leave = h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel");
    const show = () => fill(shown, command(line(values())));
    inputs.forEach((input) => input.addEventListener("input", show));
    const go = async (event) => {
      event.preventDefault();
      if (done) return dialog.close();
      act.disabled = true;
      try {
        fill(said, await run(values()));
        done = true;
        fill(act, "Close");
        leave.hidden = true;
      } catch (trouble) {
        if (!(trouble instanceof Trouble)) throw trouble;
        fill(said, h("b", {}, `${trouble.message}. `), `${trouble.why}. `, trouble.remedy ? `Try: ${trouble.remedy}` : "");
      }
      act.disabled = false;
      act.focus();
      return undefined;
    };
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "act-title" },
      h("form", { onsubmit: go }, h("h2", { id: "act-title" }, title), h("p", {}, text),
        fields.map(([name, label], index) => [h("label", { for: `field-${name}` }, label), inputs[index]]),
        h("p", { class: "faint" }, "The same as a command:"), shown, said, h("div", { class: "buttons" }, leave, act)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    document.body.append(dialog);
    show();
    dialog.showModal();
    (inputs[0] ?? act).focus();
    if (preview) preview().then((found) => done || fill(said, found), (trouble) => fill(said, `${trouble.message}. ${trouble.why}`));
  });
}

const reasonOf = (reason) => (reason ? ` --reason ${quoted(reason)}` : "");

// The four verbs that are answered at once, and bounce, which is a job.
const VERBS = {
  retry: ["Retry now", "It becomes due at once. All limits hold as before."],
  hold: ["Hold", "It stays here until somebody releases it."],
  release: ["Release", "It goes on as before it was held."],
  bounce: ["Bounce", "It ends, and its sender gets a report once this cannot be undone any more.", true],
  delete: ["Delete", "It goes to the trash. Nobody is told.", true],
  undelete: ["Undelete", "It comes back from the trash."],
};

export const verbName = (verb) => VERBS[verb][0];

export function actOnMessage(verb, mid) {
  const [title, text, danger] = VERBS[verb];
  const path = `/messages/${encodeURIComponent(mid)}`;
  return confirm({
    title, text, danger,
    line: ({ reason }) => `empathctl queue ${verb} ${mid}${reasonOf(reason)}`,
    preview: () => preview(verb, { id: [mid], ...(verb === "undelete" ? { deleted: true } : {}) }),
    run: async ({ reason }) => {
      if (verb === "delete") return outcome(await request("DELETE", `${path}?${new URLSearchParams({ reason })}`));
      return outcome(await request("POST", `${path}/${verb}`, { reason }));
    },
  });
}

export function actOnLane(verb, lane) {
  const [title, text, danger] = VERBS[verb];
  return confirm({
    title: `${title}: all of ${lane}`, text, danger,
    line: ({ reason }) => `empathctl queue ${verb} --lane ${quoted(lane)}${reasonOf(reason)}`,
    preview: () => preview(verb, { lane }),
    run: async ({ reason }) => outcome(await request("POST", "/actions", { verb, selector: { lane }, reason })),
  });
}

async function preview(verb, selector) {
  const found = await request("POST", "/actions", { verb, selector, dry_run: true });
  const domains = found.domains.map((one) => `${one.name} ${count(one.deliveries)}`).join(", ");
  return `Would be done to ${deliveries(found.count)}${domains ? `: ${domains}` : ""}.`;
}

const deliveries = (number) => `${count(number)} ${number === 1 ? "delivery" : "deliveries"}`;

function outcome(found) {
  if (found.schema === "empath.job/1") {
    const undo = found.undo_until ? ` Until ${moment(found.undo_until)} this takes it back: empathctl jobs undo ${found.id}` : "";
    return `Job ${found.id} is at work.${undo}`;
  }
  return `Done to ${deliveries(found.done)}, ${count(found.skipped)} skipped.`;
}

export function suspend(lane) {
  return confirm({
    title: "Suspend", text: `Nothing more is attempted for ${lane}, neither what is here nor what comes.`,
    fields: [["for", "For", "1h", "like 30m, 2h, 1d; empty: until somebody ends it"], ["reason", "Reason", "", "for the audit log"]],
    line: (said) => `empathctl suspend --lane ${quoted(lane)}${said.for ? ` --for ${quoted(said.for)}` : ""}${reasonOf(said.reason)}`,
    run: async (said) => {
      const rule = await request("POST", "/suspensions", { lane, reason: said.reason, ...(said.for ? { for: said.for } : {}) });
      return `${rule.id} holds${rule.expires ? ` until ${moment(rule.expires)}` : ""}.`;
    },
  });
}

export function limit(lane) {
  return confirm({
    title: "Limit", text: `Other limits for ${lane}, over those of the configuration, for a time.`,
    fields: [["rate", "Rate", "", "like 50/min; empty: as configured"], ["connections", "Connections", "", "empty: as configured"],
      ["for", "For", "2h", "empty: until somebody ends it"], ["reason", "Reason", "", "for the audit log"]],
    line: (said) => `empathctl limit set ${quoted(lane)} --lane${said.rate ? ` rate=${said.rate}` : ""}`
      + `${said.connections ? ` conns=${said.connections}` : ""}${said.for ? ` --for ${quoted(said.for)}` : ""}${reasonOf(said.reason)}`,
    run: async (said) => {
      const content = { lane, reason: said.reason };
      if (said.rate) content.rate = said.rate;
      if (said.connections) content.connections = Number(said.connections);
      if (said.for) content.for = said.for;
      const rule = await request("POST", "/overlays", content);
      return `${rule.id} holds${rule.expires ? ` until ${moment(rule.expires)}` : ""}.`;
    },
  });
}

export function breaker(lane, isOpen) {
  const path = `/breakers/${encodeURIComponent(lane)}`;
  return confirm({
    title: isOpen ? "Close the breaker" : "Open the breaker",
    text: isOpen ? `${lane} is attempted again at once.` : `Nothing is attempted at ${lane}; when the time is over it is probed as always.`,
    fields: isOpen ? [] : [["for", "For", "1h", "like 30m"], ["reason", "Reason", "", "for the audit log"]],
    line: (said) => `empathctl breakers ${isOpen ? "close" : "open"} ${quoted(lane)}${said.for ? ` --for ${quoted(said.for)}` : ""}${reasonOf(said.reason)}`,
    run: async (said) => {
      if (isOpen) await request("DELETE", path);
      else await request("PUT", path, { reason: said.reason, ...(said.for ? { for: said.for } : {}) });
      return "Done.";
    },
  });
}

export function reset(lane) {
  return confirm({
    title: "Reset", text: `The breaker of ${lane} closes, and what its hosts have asked for is forgotten.`, fields: [],
    line: () => `empathctl lanes reset ${quoted(lane)}`,
    run: async () => ((await request("POST", `/lanes/${encodeURIComponent(lane)}/reset`)).changed ? "Done." : "There was nothing to reset."),
  });
}

const ENDINGS = {
  suspension: (rule) => ["DELETE", `/suspensions/${rule.id}`, `empathctl resume ${rule.id}`],
  overlay: (rule) => ["DELETE", `/overlays/${rule.id}`, `empathctl limit clear ${rule.id}`],
  breaker: (rule) => ["DELETE", `/breakers/${encodeURIComponent(rule.lane)}`, `empathctl breakers close ${quoted(rule.lane ?? "")}`],
  freeze: () => ["DELETE", "/queue/freeze", "empathctl queue thaw"],
  route: (rule) => ["DELETE", `/suspensions/${rule.id}`, `empathctl resume ${rule.id}`],
  drain: () => ["DELETE", "/drain", "empathctl undrain"],
};

export function endRule(rule) {
  const [method, path, line] = ENDINGS[rule.kind](rule);
  return confirm({
    title: `End ${rule.id}`, text: `What this ${rule.kind} changed is as before.`, fields: [], line: () => line,
    run: async () => (await request(method, path), `${rule.id} has ended.`),
  });
}
