/** The form that sends an update. */

import { Problem } from "./api.js";
import { find, say } from "./dom.js";

const SAID = { LoggedIn: "is logged in", LoggedOut: "is logged out" };

/** Sends updates, and says what became of each. */
export class UpdateForm {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./token.js").Token} token
   */
  constructor(api, token) {
    this.#api = api;
    this.#token = token;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  #api;
  #token;
  #form = find("update");
  #student = find("student");
  #states = find("states");
  #fault = find("student-fault");
  #stateFault = find("state-fault");
  #result = find("update-result");
  #isSending = false;
  /** An update whose outcome is not known, and its key: with the same key it is safe to send it again. */
  #open = { text: "", key: "" };

  async #send() {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#blame("", "");
    say(this.#result, "Sending …");
    const data = new FormData(this.#form);
    const update = { StudentId: String(data.get("student")), State: String(data.get("state")) };
    try {
      this.#succeed(update, await this.#api.put(update, this.#key(update)));
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isSending = false;
    }
  }

  #key(update) {
    const text = JSON.stringify(update);
    if (this.#open.text !== text) this.#open = { text, key: key() };
    return this.#open.key;
  }

  #succeed(update, position) {
    this.#open = { text: "", key: "" };
    say(this.#result, `${update.StudentId} ${SAID[update.State]}${position && ` (position ${position})`}`);
    this.#form.dataset.result = "done";
    this.#student.select();
  }

  #fail(error) {
    this.#form.dataset.result = "failed";
    const isProblem = error instanceof Problem;
    if (isProblem && error.isRefusal) this.#token.offer(error.message);
    if (isProblem && error.status >= 400 && error.status < 500) this.#open = { text: "", key: "" };
    if (isProblem && (error.field === "StudentId" || error.field === "State")) {
      say(this.#result, "");
      this.#blame(error.field, error.message);
      return;
    }
    const known = { "not-written": " Nothing was written.", unknown: " It may have been written: it is safe to send it again." };
    say(this.#result, error.message + (known[error.outcome] ?? ""));
  }

  /** Say what is wrong beside the field in which it is. */
  #blame(field, text) {
    say(this.#fault, field === "StudentId" ? text : "");
    say(this.#stateFault, field === "State" ? text : "");
    this.#student.setAttribute("aria-invalid", String(field === "StudentId"));
    this.#states.setAttribute("aria-invalid", String(field === "State"));
    if (field === "StudentId") this.#student.focus();
  }
}

/** Make a key. `crypto.randomUUID` is there over HTTPS alone. */
function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
