/** How the page is connected, in words and by a shape. */

import { find, say } from "./dom.js";
import { second } from "./words.js";

const WORDS = {
  connecting: "Connecting",
  replaying: "Replaying the past",
  live: "Live",
  lost: "Connection lost, trying again",
  refused: "A token is needed",
};

const PASSING_MS = 30_000;

/** Shows the status of the connection. */
export class ConnectionStatus {
  #line = find("status");
  #text = find("status-text");
  #icon = find("status-icon");
  #note = find("note");
  #last = "";
  #passing = 0;

  /**
   * @param {import("./source.js").Status} status
   * @param {string} why What is wrong, if something is.
   */
  show(status, why) {
    if (status === this.#last) return;
    // Between two attempts nothing is known that would be worth a word.
    if (status === "connecting" && this.#last === "lost") return;
    if (status === "lost") this.#say(`${why} What is shown is from ${second(new Date())}.`);
    else if (this.#last === "lost") this.#say("");
    this.#last = status;
    this.#line.dataset.status = status;
    document.body.dataset.status = status;
    this.#icon.firstElementChild.setAttribute("href", `#icon-${status}`);
    say(this.#text, WORDS[status]);
  }

  /**
   * Show a line about something that is over, for a while.
   * @param {string} text
   */
  mention(text) {
    this.#say(text);
    this.#passing = setTimeout(() => this.#say(""), PASSING_MS);
  }

  #say(text) {
    clearTimeout(this.#passing);
    say(this.#note, text);
    this.#note.hidden = text === "";
  }
}
