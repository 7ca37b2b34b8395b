// Figures as people read them.

const THIN = "\u202f";

export function count(number) {
  return number === null || number === undefined ? "–" : String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

export function rate(perSecond) {
  if (!perSecond) return "0/s";
  if (perSecond >= 100) return `${count(perSecond)}/s`;
  if (perSecond >= 1) return `${trim(perSecond)}/s`;
  return perSecond * 60 >= 1 ? `${trim(perSecond * 60)}/min` : `${trim(perSecond * 3600)}/h`;
}

export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, seconds);
  if (s < 0.9995) return `${trim(s * 1000)} ms`;
  if (s < 10) return `${trim(s)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${pad(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${pad((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)}d${Math.floor((s % 86400) / 3600)}h`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let number = bytes;
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  return `${unit ? trim(number) : number} ${units[unit]}`;
}

export function share(part) {
  return part === null || part === undefined ? "–" : `${trim(part * 100)} %`;
}

export function moment(seconds) {
  return seconds ? `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")}Z` : "–";
}

export function clock(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 19);
}

function trim(number) {
  return number >= 100 ? String(Math.round(number)) : number.toFixed(1).replace(/\.0$/, "");
}

function pad(number) {
  return String(Math.floor(number)).padStart(2, "0");
}
