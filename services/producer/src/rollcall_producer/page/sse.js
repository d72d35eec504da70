/** Server-sent events: text as it comes in, in pieces of any kind, to messages. */

/**
 * @typedef {object} Message
 * @property {string} event What kind of message it is.
 * @property {string} data What it says.
 * @property {string} id Where the stream was when it was sent.
 */

/** Puts messages together, as the HTML standard has it for `text/event-stream`. */
export class Parser {
  /** The id up to which all has been given. A message with an id and no data moves it on, too. */
  lastId = "";

  #rest = "";
  #begun = false;
  #skipsFeed = false;
  #event = "";
  #data = [];
  #id = "";

  /**
   * Start anew behind an id.
   * @param {string} lastId
   */
  constructor(lastId = "") {
    this.lastId = this.#id = lastId;
  }

  /**
   * Take what came in.
   * @param {string} text
   * @returns {Message[]} The messages that are complete with it.
   */
  push(text) {
    const messages = [];
    for (const line of this.#lines(text)) {
      if (line === "") this.#dispatch(messages);
      else this.#field(line);
    }
    return messages;
  }

  /** Split at LF, CR or CRLF, of which the two halves may come apart. */
  #lines(text) {
    if (text === "") return [];
    if (!this.#begun) {
      this.#begun = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#skipsFeed && text.startsWith("\n")) text = text.slice(1);
    this.#skipsFeed = text === "" ? false : text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    return lines;
  }

  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(messages) {
    this.lastId = this.#id;
    if (this.#data.length > 0) {
      messages.push({ event: this.#event || "message", data: this.#data.join("\n"), id: this.#id });
    }
    this.#event = "";
    this.#data = [];
  }
}
