/** How the pipeline behind the API fares. */

import { find, say } from "./dom.js";
import { single } from "./pace.js";
import { counted, span } from "./words.js";

const ASK_MS = 2_000;
const LATE_SECONDS = 5;

/** Shows how far the worker is behind, for as long as the page is looked at. */
export class Pipeline {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    setInterval(() => this.refresh(), ASK_MS);
    document.addEventListener("visibilitychange", () => this.refresh());
  }

  #api;
  #box = find("pipeline");
  #lag = find("lag");
  #records = find("lag-records");
  #commit = find("commit");

  /** Ask. */
  refresh = single(() => this.#load());

  async #load() {
    if (document.hidden) return;
    try {
      const answer = await this.#api.get("Pipeline");
      this.#show(answer.LagSeconds, answer.LagRecords, answer.LastCommit);
    } catch {
      this.#show(null, null, null);
    }
  }

  #show(seconds, records, commit) {
    this.#box.dataset.lag = seconds === null ? "unknown" : seconds < LATE_SECONDS ? "none" : "late";
    say(this.#lag, seconds === null ? "not known" : span(seconds));
    say(this.#records, records ? counted(records, "record") : "");
    say(this.#commit, commit === null ? "not known" : ago(commit));
  }
}

function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  return seconds < 2 ? "just now" : `${span(seconds)} ago`;
}
