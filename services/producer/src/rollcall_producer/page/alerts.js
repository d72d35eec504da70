/** What is out of the ordinary, the newest first. */

import { arrange, find, icon, make, say } from "./dom.js";
import { framed, single } from "./pace.js";
import { counted, moment } from "./words.js";

const SHOWN = 50;
const SAY_MS = 4_000;

const RULES = {
  "many-logins": "Many logins",
  "two-places": "In two places",
  "too-long": "In for too long",
};

/** Shows alerts, and has new ones read out, several in a breath where many come. */
export class Alerts {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  #api;
  #list = find("alerts");
  #empty = find("alerts-empty");
  #count = find("alerts-count");
  #said = find("alerts-said");
  /** @type {Map<string, any>} By id, because one that is raised anew is the same. */
  #alerts = new Map();
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #isRead = false;
  #unsaid = 0;
  #newest = null;
  #isSpeaking = false;
  #show = framed(() => this.#render());

  /** Read them anew. */
  refresh = single(() => this.#load());

  /**
   * Take an alert that was just raised.
   * @param {any} alert
   */
  hear(alert) {
    if (this.#alerts.has(alert.Id)) return;
    this.#alerts.set(alert.Id, alert);
    this.#trim();
    this.#show();
    this.#unsaid += 1;
    this.#newest = alert;
    if (!this.#isSpeaking) this.#speak();
  }

  async #load() {
    try {
      const { Alerts: alerts } = await this.#api.get("Alerts", { window: "1d", limit: SHOWN });
      if (this.#isRead) for (const alert of alerts.toReversed()) this.hear(alert);
      else for (const alert of alerts) this.#alerts.set(alert.Id, alert);
      this.#isRead = true;
      this.#show();
    } catch {
      // the status says that nothing comes in
    }
  }

  #trim() {
    const newest = [...this.#alerts.values()].sort((one, other) => Date.parse(other.At) - Date.parse(one.At));
    this.#alerts = new Map(newest.slice(0, SHOWN).map((alert) => [alert.Id, alert]));
  }

  #render() {
    const rows = new Map([...this.#alerts].map(([id, alert]) => [id, this.#rows.get(id) ?? makeRow(alert)]));
    arrange(this.#list, [...rows.values()]);
    this.#rows = rows;
    const count = this.#alerts.size;
    this.#empty.hidden = count > 0;
    say(this.#count, count === 0 ? "" : count === SHOWN ? `the last ${SHOWN}` : String(count));
  }

  /** Say what came, and then nothing for a while. */
  #speak() {
    const what = `${name(this.#newest)}, ${this.#newest.StudentId}`;
    say(this.#said, this.#unsaid === 1 ? `Alert: ${what}` : `${counted(this.#unsaid, "new alert")}, the last: ${what}`);
    this.#unsaid = 0;
    this.#isSpeaking = true;
    setTimeout(() => {
      this.#isSpeaking = false;
      if (this.#unsaid > 0) this.#speak();
    }, SAY_MS);
  }
}

function makeRow(alert) {
  return make(
    "li",
    {},
    icon("alert"),
    make("strong", {}, name(alert)),
    make("time", { datetime: alert.At }, moment(new Date(alert.At))),
    make("span", { class: "id", dir: "auto", title: alert.StudentId }, alert.StudentId),
    make("span", { class: "detail" }, alert.Detail),
  );
}

function name(alert) {
  return RULES[alert.Rule] ?? alert.Rule;
}
