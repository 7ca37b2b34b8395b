// Pictures of figures: lines by uPlot, which is loaded before us, and the rows of squares by hand.

import { clock } from "./units.js";

const uPlot = window.uPlot;
export const HISTORY_S = 600;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Figures of the last ten minutes, one for each second, as long as this page is open.
export class History {
  constructor(...names) {
    this.names = names;
    this.times = [];
    this.values = names.map(() => []);
  }

  add(at, figures) {
    if (this.times.length && at <= this.times.at(-1)) return;
    this.times.push(at);
    this.names.forEach((name, index) => this.values[index].push(figures[name] ?? null));
    while (this.times[0] < at - HISTORY_S) {
      this.times.shift();
      this.values.forEach((list) => list.shift());
    }
  }

  of(...names) {
    return [this.times, ...names.map((name) => this.values[this.names.indexOf(name)])];
  }
}

export function sparkline(parent, token) {
  const chart = new uPlot({
    width: 96, height: 28, padding: [2, 0, 2, 0], legend: { show: false }, cursor: { show: false },
    axes: [{ show: false }, { show: false }], scales: { y: { range: (_, low, high) => [0, Math.max(high, 0.001)] } },
    series: [{}, { stroke: () => colour(token), fill: () => `${colour(token)}22`, width: 1.5, points: { show: false } }],
  }, [[], []], parent);
  return (data) => chart.setData(data);
}

export function timeline(parent, series) {
  const axis = (more) => ({ stroke: () => colour("--faint"), grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false }, font: "11px system-ui", ...more });
  const chart = new uPlot({
    width: 400, height: 170, padding: [10, 8, 0, 0], legend: { live: true }, cursor: { points: { size: 6 }, drag: { x: false } },
    scales: { rate: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] }, queue: { range: (_, low, high) => [0, Math.max(5, high * 1.1)] } },
    axes: [axis({ space: 90, size: 26, values: (_, times) => times.map(clock) }), axis({ scale: "rate", size: 46 }), axis({ scale: "queue", side: 1, size: 54, grid: { show: false } })],
    series: [{ label: "at", value: (_, time) => (time === null ? "–" : clock(time)) }, ...series.map(({ label, token, scale }) => ({
      label, scale, stroke: () => colour(token), width: 1.75, points: { show: false },
      fill: scale === "queue" ? undefined : () => `${colour(token)}18`, value: (_, number) => (number === null ? "–" : number.toFixed(scale === "queue" ? 0 : 1)),
    }))],
  }, [[], ...series.map(() => [])], parent);
  const fit = new ResizeObserver(() => chart.setSize({ width: parent.clientWidth, height: 170 }));
  fit.observe(parent);
  const set = (data) => {
    chart.setData(data);
    if (chart.cursor.left < 0) chart.setLegend({ idx: data[0].length - 1 });
  };
  return { set, end: () => (fit.disconnect(), chart.destroy()) };
}

const SQUARES = 50;
const STEP = 2;
const HEIGHTS = { d: 0.5, t: 0.75, p: 1 };
const TOKENS = { d: "--good", t: "--warn", p: "--bad" };

// How the latest attempts ended, the latest to the right. What failed is taller, for those who see no colours.
export function outcomes(canvas, ends) {
  const look = `${ends}|${document.documentElement.dataset.theme}|${matchMedia("(prefers-color-scheme: dark)").matches}`;
  if (canvas.dataset.look === look) return;
  canvas.dataset.look = look;
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [SQUARES * STEP, 14];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  [...ends].forEach((end, index) => {
    const tall = height * HEIGHTS[end];
    pen.fillStyle = colour(TOKENS[end]);
    pen.fillRect((SQUARES - ends.length + index) * STEP, height - tall, STEP - 0.6, tall);
  });
  const good = [...ends].filter((end) => end === "d").length;
  canvas.setAttribute("aria-label", `${good} of the last ${ends.length} attempts delivered`);
  canvas.title = canvas.getAttribute("aria-label");
}
