/** The token that the API asks for. It is kept for as long as the tab, and sent in a header alone. */

import { find, say } from "./dom.js";

const KEY = "rollcall-token";

/** Holds the token, and asks for it. */
export class Token {
  /** Whether the API has refused to be read with what there is. */
  isWanted = false;

  /** @param {() => void} changed Is called when there is another one. */
  constructor(changed) {
    this.#changed = changed;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#take();
    });
    find("token-later").addEventListener("click", () => this.#dialog.close());
    this.#button.addEventListener("click", () => this.#ask());
  }

  #changed;
  #dialog = find("token");
  #form = find("token-form");
  #field = find("token-value");
  #why = find("token-why");
  #button = find("token-ask");

  /** The headers that a request needs. */
  get headers() {
    const token = sessionStorage.getItem(KEY);
    return token === null ? {} : { Authorization: `Bearer ${token}` };
  }

  /**
   * Ask for a token with which the API can be read.
   * @param {string} why
   */
  want(why) {
    if (this.isWanted) return;
    this.isWanted = true;
    this.offer(why);
  }

  /**
   * Ask for another token, and go on meanwhile.
   * @param {string} why
   */
  offer(why) {
    say(this.#why, why);
    this.#button.hidden = false;
    this.#ask();
  }

  #ask() {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
  }

  #take() {
    const token = this.#field.value.trim();
    if (!/^[!-~]+$/.test(token)) {
      say(this.#why, "A token has visible ASCII characters alone.");
      return;
    }
    sessionStorage.setItem(KEY, token);
    this.#form.reset();
    this.#dialog.close();
    this.isWanted = false;
    this.#changed();
  }
}
