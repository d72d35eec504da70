/** Bars over time: what came in above a line, and what went out below it. */

import { draw } from "./dom.js";
import { brief, minute } from "./words.js";

const LEFT = 2.4;
const BOTTOM = 1.5;
const TOP = 0.6;
const LABEL_EVERY = 10;
const LEAST_SHARE = 0.2; // so that labels do not lie on each other

/**
 * @typedef {object} Step
 * @property {Date} start
 * @property {number} logins
 * @property {number} logouts
 * @property {number} heard When news of it came last, in milliseconds since 1970.
 */

/** Draws as large as it is shown, and anew when that changes. */
export class Chart {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.#svg = svg;
    new ResizeObserver(() => this.draw(this.#steps)).observe(svg);
  }

  #svg;
  /** @type {Step[]} */
  #steps = [];

  /** @param {Step[]} steps The oldest first; the last one is under way. */
  draw(steps) {
    this.#steps = steps;
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0 || steps.length === 0) return;
    const em = parseFloat(getComputedStyle(this.#svg).fontSize);
    const area = { left: LEFT * em, right: width, top: TOP * em, bottom: height - BOTTOM * em };
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(...scene(steps, area, em));
  }
}

function scene(steps, area, em) {
  const logins = Math.max(...steps.map((step) => step.logins));
  const logouts = Math.max(...steps.map((step) => step.logouts));
  const most = round(Math.max(logins, logouts * LEAST_SHARE));
  const least = round(Math.max(logouts, logins * LEAST_SHARE));
  const unit = (area.bottom - area.top) / (most + least);
  const zero = area.top + most * unit;
  const pitch = (area.right - area.left) / steps.length;
  const at = (index) => area.left + index * pitch;
  return [
    ...[most, 0, -least].flatMap((value) => rule(value, zero - value * unit, area, em)),
    ...steps.map((step, index) => bars(step, at(index), pitch, zero, unit, index === steps.length - 1)),
    ...steps.flatMap((step, index) => (index % LABEL_EVERY === 0 ? [label(minute(step.start), at(index), area, "start", em)] : [])),
    label("now", area.right, area, "end", em),
  ];
}

function rule(value, y, area, em) {
  const line = draw("line", { x1: area.left, x2: area.right, y1: y, y2: y, class: value === 0 ? "zero" : "rule" });
  const text = draw("text", { x: area.left - 0.5 * em, y: y + 0.35 * em, "text-anchor": "end" }, brief(Math.abs(value)));
  return [line, text];
}

function bars(step, x, pitch, zero, unit, isUnderWay) {
  const width = Math.max(pitch * 0.66, 1.5);
  const left = x + (pitch - width) / 2;
  const radius = Math.min(width / 4, 3);
  const up = step.logins * unit;
  const down = step.logouts * unit;
  return draw(
    "g",
    isUnderWay ? { class: "under-way" } : {},
    draw("rect", { class: "in", x: left, y: zero - up, width, height: Math.max(up - 0.5, 0), rx: radius }),
    draw("rect", { class: "out", x: left, y: zero + 0.5, width, height: Math.max(down - 0.5, 0), rx: radius }),
  );
}

function label(text, x, area, anchor, em) {
  return draw("text", { x, y: area.bottom + 1.3 * em, "text-anchor": anchor }, text);
}

/** Round up to a number that is easy to read, and at least to 2. */
function round(value) {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((bound) => bound >= value);
}
