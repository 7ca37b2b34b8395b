// Who is in front of the page, and what he may do. The proof is a cookie that no script can read.

import { request, Trouble } from "./api.js";
import { fill, h } from "./dom.js";

export const session = { name: "", scopes: [] };
export const changed = new EventTarget();

export function may(scope) {
  return session.scopes.includes(scope) || session.scopes.includes("admin");
}

export async function begin() {
  const code = /^#login=([A-Za-z0-9-]+)$/.exec(location.hash);
  if (code) {
    history.replaceState(null, "", location.pathname);
    try {
      take(await request("POST", "/login", { code: code[1] }));
      return;
    } catch (trouble) {
      if (!(await known())) ask(trouble);
      return;
    }
  }
  if (!(await known())) ask();
}

export async function known() {
  try {
    take(await request("GET", "/session"));
    return true;
  } catch (trouble) {
    if (trouble.status === 401) take({ name: "", scopes: [] });
    return trouble.status !== 401;
  }
}

export async function end() {
  await request("DELETE", "/session").catch(() => null);
  take({ name: "", scopes: [] });
  ask();
}

function take({ name, scopes }) {
  Object.assign(session, { name, scopes });
  changed.dispatchEvent(new Event("changed"));
}

let dialog = null;

// Ask for a token, or for the code that the daemon prints.
export function ask(trouble) {
  if (dialog) return;
  const field = h("input", { id: "secret", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const said = h("p", { class: "said", role: "alert" });
  const show = (one) => fill(said, one ? `${one.message}. ${one.why}` : "");
  const enter = async (event) => {
    event.preventDefault();
    const secret = field.value.trim();
    try {
      take(await request("POST", "/login", secret.startsWith("empath_") ? { token: secret } : { code: secret }));
      dialog.close();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      show(error);
      field.select();
    }
  };
  dialog = h("dialog", { class: "dialog", "aria-labelledby": "login-title", oncancel: (event) => event.preventDefault() },
    h("form", { onsubmit: enter },
      h("h2", { id: "login-title" }, "Who are you?"),
      h("p", {}, "Paste a token, or the code of a login address. To make one on the machine of the daemon:"),
      h("pre", { class: "command" }, "empathctl login-code"),
      h("label", { for: "secret" }, "Token or code"), field, said,
      h("div", { class: "buttons" }, h("button", { class: "primary" }, "Log in"))));
  dialog.addEventListener("close", () => {
    dialog.remove();
    dialog = null;
  });
  document.body.append(dialog);
  show(trouble);
  dialog.showModal();
}
