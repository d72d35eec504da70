/** Logins and logouts, minute by minute. */

import { Chart } from "./chart.js";
import { find, make, say } from "./dom.js";
import { framed, single } from "./pace.js";
import { counted, minute, number } from "./words.js";

const READ_MS = 60_000;
const SETTLE_MS = 10_000;
const FRESH_MS = 5_000;

/** Shows the last half hour: what is counted here as it comes is read again from time to time. */
export class Activity {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    setInterval(() => this.#isDue() && this.refresh(), SETTLE_MS / 10);
    this.#details.addEventListener("toggle", () => this.#tabulate());
  }

  #api;
  #chart = new Chart(find("chart"));
  #details = find("activity-details");
  #body = find("activity-rows");
  #logins = find("logins");
  #logouts = find("logouts");
  #said = find("chart-text");
  #width = 60_000;
  /** @type {import("./chart.js").Step[]} */
  #steps = [];
  #read = 0;
  #isOff = false;
  #show = framed(() => this.#render());

  /** Read it anew. */
  refresh = single(() => this.#load());

  /**
   * Count a login or logout.
   * @param {any} event
   */
  hear(event) {
    this.#isOff = true;
    const at = Date.parse(event.At);
    this.#moveTo(at);
    const step = this.#steps.findLast((one) => one.start.getTime() <= at);
    if (step === undefined) return;
    if (event.State === "LoggedIn") step.logins += 1;
    else step.logouts += 1;
    step.heard = Date.now();
    this.#show();
  }

  async #load() {
    this.#read = Date.now();
    this.#isOff = false;
    try {
      const answer = await this.#api.get("Activity", { window: "30m", step: "1m" });
      this.#width = answer.StepSeconds * 1000;
      const counted = new Map(this.#steps.map((step) => [step.start.getTime(), step]));
      this.#steps = answer.Steps.map((step) => merged(step, counted.get(Date.parse(step.Start))));
      this.#show();
    } catch {
      this.#isOff = true; // the status says that nothing comes in
    }
  }

  /** What was counted here is read once more after a while. */
  #isDue() {
    if (document.hidden) return false;
    const last = this.#steps.at(-1);
    const isOver = last !== undefined && Date.now() > last.start.getTime() + this.#width;
    const age = Date.now() - this.#read;
    return age > READ_MS || ((isOver || this.#isOff) && age > SETTLE_MS);
  }

  /** Add steps up to a time, and drop as many at the beginning. A time that can't be has no part in it. */
  #moveTo(at) {
    const count = this.#steps.length;
    for (let moved = 0; moved < count; moved += 1) {
      const next = this.#steps.at(-1).start.getTime() + this.#width;
      if (at < next || at > Date.now() + count * this.#width) return;
      this.#steps.push({ start: new Date(next), logins: 0, logouts: 0, heard: 0 });
      this.#steps.shift();
    }
  }

  #render() {
    const logins = this.#steps.reduce((sum, step) => sum + step.logins, 0);
    const logouts = this.#steps.reduce((sum, step) => sum + step.logouts, 0);
    say(this.#logins, number(logins));
    say(this.#logouts, number(logouts));
    say(this.#said, this.#describe(logins, logouts));
    this.#chart.draw(this.#steps);
    this.#tabulate();
  }

  #describe(logins, logouts) {
    const sums = `${counted(logins, "login")} and ${counted(logouts, "logout")} in the last 30 minutes.`;
    const busiest = this.#steps.reduce((most, step) => (step.logins > most.logins ? step : most), this.#steps[0]);
    if (logins === 0) return sums;
    return `${sums} Most logins in a minute: ${number(busiest.logins)}, at ${minute(busiest.start)}.`;
  }

  #tabulate() {
    if (!this.#details.open) return;
    const rows = this.#steps.toReversed().map((step) => {
      const head = make("th", { scope: "row" }, minute(step.start));
      return make("tr", {}, head, make("td", {}, number(step.logins)), make("td", {}, number(step.logouts)));
    });
    this.#body.replaceChildren(...rows);
  }
}

/** Take a step as it was read; but of one that news came of just now, what was read may lack the last of them. */
function merged(read, counted) {
  const isFresh = counted !== undefined && Date.now() - counted.heard < FRESH_MS;
  return {
    start: new Date(read.Start),
    logins: isFresh ? Math.max(read.Logins, counted.logins) : read.Logins,
    logouts: isFresh ? Math.max(read.Logouts, counted.logouts) : read.Logouts,
    heard: counted?.heard ?? 0,
  };
}
