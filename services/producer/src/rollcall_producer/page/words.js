/** Numbers and times as people read them, in the browser's own language and time zone. */

const NUMBER = new Intl.NumberFormat();
const BRIEF = new Intl.NumberFormat(undefined, { notation: "compact" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const SECOND = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const DAY_MS = 86_400_000;

/**
 * @param {number} value
 * @returns {string} Such as `1,284`.
 */
export const number = (value) => NUMBER.format(value);

/**
 * @param {number} value
 * @returns {string} Such as `30K`.
 */
export const brief = (value) => (value < 10_000 ? number(value) : BRIEF.format(value));

/**
 * @param {number} count
 * @param {string} one The noun for one.
 * @param {string} many That for several.
 * @returns {string} Such as `1 login` or `1,284 logins`.
 */
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/**
 * @param {Date} at
 * @returns {string} Such as `08:05`.
 */
export const minute = (at) => MINUTE.format(at);

/**
 * @param {Date} at
 * @returns {string} Such as `08:05:12`, with the day if that was another one.
 */
export const second = (at) => dated(at, SECOND);

/**
 * @param {Date} at
 * @returns {string} Such as `08:05`, with the day if that was another one.
 */
export const moment = (at) => dated(at, MINUTE);

/**
 * @param {number} seconds
 * @returns {string} Such as `0.4 s`, `12 s`, `3 min` or `2 h 5 min`.
 */
export function span(seconds) {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${number(hours)} h ${minutes % 60} min` : `${number(Math.floor(hours / 24))} days`;
}

function dated(at, format) {
  const other = Math.abs(Date.now() - at.getTime()) > DAY_MS || new Date().getDate() !== at.getDate();
  return other ? `${DAY.format(at)}, ${format.format(at)}` : format.format(at);
}
