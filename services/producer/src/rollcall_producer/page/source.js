/** Where the page's news come from: one stream at a time, and questions beside it while that shows the past. */

import { Connection } from "./connection.js";

const ALL = "event,state,alert";
const ASK_MS = 2_000;
const AGAIN_MS = 2_000;

/**
 * @typedef {object} Ears
 * @property {(event: any) => void} event Hears of a login or logout.
 * @property {(record: any) => void} state Hears of a student's record.
 * @property {(alert: any) => void} alert Hears of an alert.
 * @property {(why: string) => void} gap Hears that something was passed over, by the API.
 * @property {(why: string) => void} anew Hears that all begins anew, and so something may be passed over.
 * @property {() => void} refresh Is to read anew all that is shown beside events.
 * @property {(status: Status, why: string) => void} status Hears how it is.
 */

/** @typedef {"connecting" | "replaying" | "live" | "lost" | "refused"} Status */

/** Gives what happens, from a place on. */
export class Source {
  /**
   * @param {import("./api.js").Api} api
   * @param {Ears} ears
   */
  constructor(api, ears) {
    this.#ears = ears;
    this.#connection = new Connection(api, {
      message: (message) => this.#hear(message),
      status: (status, why) => this.#changed(status, why),
      gone: () => this.#beginAnew("What the page had last seen is not known any more"),
    });
  }

  #ears;
  #connection;
  #isPast = false;
  #asking = 0;
  #again = 0;

  /**
   * Begin anew.
   * @param {string} from A place: `beginning`, `-2m` or `latest`.
   */
  start(from) {
    this.#isPast = from !== "latest";
    this.#ears.status("connecting", "");
    this.#ears.refresh();
    clearInterval(this.#asking);
    // A stream of the past has no news of the present for what else is shown.
    if (this.#isPast) this.#asking = setInterval(() => document.hidden || this.#ears.refresh(), ASK_MS);
    this.#connection.open({ kinds: this.#isPast ? "event" : ALL, from });
  }

  #hear(message) {
    const said = JSON.parse(message.data);
    switch (message.event) {
      case "event":
        return this.#ears.event(said);
      case "state":
        return this.#ears.state(said);
      case "alert":
        return this.#ears.alert(said);
      case "live":
        return this.#arrive(message.id);
      case "gap":
        this.#ears.gap(said.Detail);
        return this.#ears.refresh();
      case "slow":
        return this.#beginAnew("The page could not keep up");
    }
  }

  #beginAnew(why) {
    this.#ears.anew(why);
    this.start("latest");
  }

  #arrive(id) {
    if (this.#isPast) {
      this.#isPast = false;
      clearInterval(this.#asking);
      this.#connection.open({ kinds: ALL, from: "latest" }, id);
      return;
    }
    this.#ears.status("live", "");
    // What changed before the stream was open is in no message, and may come to be read a moment later.
    this.#ears.refresh();
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#ears.refresh(), AGAIN_MS);
  }

  #changed(status, why) {
    if (status === "open") this.#ears.status(this.#isPast ? "replaying" : "connecting", "");
    else this.#ears.status(status, why);
  }
}
