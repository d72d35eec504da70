/** Logins and logouts as they happen, or as they have happened, the newest first. */

import { find, icon, make, say } from "./dom.js";
import { framed } from "./pace.js";
import { counted, number, second } from "./words.js";

const SHOWN = 200;
const RATE_MS = 2_000;

/** Shows the last events of those that come, once a frame. */
export class Feed {
  /** @param {(from: string) => void} choose Is told from where on to show events. */
  constructor(choose) {
    for (const choice of this.#choices) choice.addEventListener("change", () => choose(choice.value));
    this.#pause.addEventListener("click", () => this.#toggle());
    setInterval(() => this.#measure(), RATE_MS);
  }

  #list = find("feed");
  #empty = find("feed-empty");
  #said = find("feed-said");
  #rate = find("feed-rate");
  #pause = find("feed-pause");
  #choices = [...document.querySelectorAll("input[name=from]")];
  /** Events that are not shown yet, of which the last ones are enough. */
  #news = [];
  #count = 0;
  #waiting = 0;
  #measured = 0;
  #isPaused = false;
  #isPast = false;
  #show = framed(() => this.#render());

  /**
   * Take an event.
   * @param {any} event
   */
  hear(event) {
    this.#count += 1;
    this.#waiting += 1;
    this.#news.push(event);
    if (this.#news.length >= 2 * SHOWN) this.#news.splice(0, SHOWN);
    this.#show();
  }

  /**
   * Note within the feed that it has a gap.
   * @param {string} why
   */
  gap(why) {
    this.#news.push({ Gap: `Events are missing here: ${why}.` });
    this.#show();
  }

  /** Empty it, because it begins anew. */
  clear() {
    this.#list.replaceChildren();
    this.#news = [];
    this.#count = this.#waiting = this.#measured = 0;
    this.#empty.hidden = false;
    if (this.#isPaused) this.#toggle();
    this.#show();
  }

  /**
   * Say whether it shows the past.
   * @param {import("./source.js").Status} status
   */
  place(status) {
    if (status === "live" && this.#isPast) say(this.#said, `Caught up after ${counted(this.#count, "event")}: live.`);
    if (status === "live") this.#choose("latest");
    if (status === "live" || status === "replaying") this.#isPast = status === "replaying";
    this.#measure();
  }

  /** Move the choice, and the focus with it if it is there: within a group of choices they go together. */
  #choose(from) {
    const chosen = this.#choices.find((choice) => choice.value === from);
    if (chosen.checked) return;
    chosen.checked = true;
    if (this.#choices.includes(document.activeElement)) chosen.focus();
  }

  #toggle() {
    this.#isPaused = !this.#isPaused;
    this.#pause.setAttribute("aria-pressed", String(this.#isPaused));
    this.#show();
  }

  #render() {
    if (this.#isPaused) {
      say(this.#rate, `Paused, ${counted(this.#waiting, "event")} waiting`);
      return;
    }
    const news = this.#news.splice(0).slice(-SHOWN).reverse();
    this.#waiting = 0;
    while (this.#list.children.length > Math.max(SHOWN - news.length, 0)) this.#list.lastElementChild.remove();
    this.#list.prepend(...news.map(row));
    this.#empty.hidden = this.#list.children.length > 0;
    if (this.#isPast) this.#measure();
  }

  /** Say how fast events come, or, of those that have happened, where the feed is. */
  #measure() {
    if (this.#isPaused) return;
    const since = this.#count - this.#measured;
    this.#measured = this.#count;
    if (this.#isPast) {
      say(this.#rate, `${counted(this.#count, "event")} so far`);
      return;
    }
    const perSecond = since / (RATE_MS / 1000);
    say(this.#rate, perSecond >= 1 ? `${number(Math.round(perSecond))} a second` : "");
  }
}

function row(event) {
  if (event.Gap !== undefined) return make("li", { class: "gap" }, event.Gap);
  const isIn = event.State === "LoggedIn";
  return make(
    "li",
    { class: isIn ? "in" : "out" },
    make("time", { datetime: event.At }, second(new Date(event.At))),
    icon(isIn ? "in" : "out"),
    make("span", { class: "state" }, isIn ? "in" : "out"),
    make("span", { class: "id", dir: "auto", title: event.StudentId }, event.StudentId),
    make("span", { class: "position" }, event.Position),
  );
}
