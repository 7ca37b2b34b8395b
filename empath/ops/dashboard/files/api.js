// Requests to the API of the daemon.

export class Trouble extends Error {
  constructor(status, said) {
    super(said.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = said.code ?? "";
    this.why = said.why ?? "";
    this.remedy = said.try ?? "";
  }
}

// Told when nobody knows who we are.
export const nameless = new EventTarget();

export async function request(method, path, content, accept = "json") {
  const asked = { method, credentials: "same-origin", headers: {} };
  if (content !== undefined) {
    asked.body = JSON.stringify(content);
    asked.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, asked);
  } catch {
    throw new Trouble(0, { title: "The daemon does not answer", why: "it is stopped, restarting, or cannot be reached" });
  }
  if (answer.ok) return accept === "text" ? answer.text() : answer.json();
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401 && said.code === "API001") nameless.dispatchEvent(new Event("nameless"));
  throw new Trouble(answer.status, said);
}

export const get = (path) => request("GET", path);

export function query(values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}
