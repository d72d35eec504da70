/** A streaming connection that keeps itself open: it comes back by itself, and goes on where it was. */

import { Problem } from "./api.js";
import { Breath } from "./pace.js";
import { Parser } from "./sse.js";

const SILENCE_MS = 40_000; // the API says something every 15 s
const SHORTEST_MS = 500;
const LONGEST_MS = 5_000;
const BETWEEN_MS = 50;
const NOT_THE_REQUEST = [408, 429];

/**
 * @typedef {object} Listener
 * @property {(message: import("./sse.js").Message) => void} message Is given each message.
 * @property {(status: "open" | "lost" | "refused", why: string) => void} status Is told how it is.
 * @property {() => void} gone Is told that the API can't go on from where it was.
 */

/** Has at most one stream open. */
export class Connection {
  /**
   * @param {import("./api.js").Api} api
   * @param {Listener} listener
   */
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
    addEventListener("online", () => this.#wake());
  }

  #api;
  #listener;
  #current = { closed: true, attempt: new AbortController() };
  /** @type {Promise<void> | null} */
  #ended = null;
  #wake = () => {};

  /**
   * Close what is open, and open a stream.
   * @param {Record<string, string>} parameters
   * @param {string} lastId Behind which it begins, if not where the parameters say.
   */
  open(parameters, lastId = "") {
    this.close();
    this.#current = { closed: false, attempt: new AbortController(), parameters, lastId };
    this.#ended = this.#follow(this.#ended, this.#current);
  }

  /** Close it. */
  close() {
    this.#current.closed = true;
    this.#current.attempt.abort();
    this.#wake();
  }

  /** Open a stream, not before the one that was open has ended: a browser has few connections for each host. */
  async #follow(ended, stream) {
    if (ended !== null) {
      await ended;
      await this.#rest(BETWEEN_MS); // in which the browser closes it
    }
    await this.#keep(stream);
  }

  async #keep(stream) {
    let failures = 0;
    while (!stream.closed) {
      let why = "The service has closed the connection.";
      try {
        await this.#attempt(stream, () => {
          failures = 0;
        });
      } catch (error) {
        if (stream.closed) return;
        if (error instanceof Problem && error.isRefusal) return this.#listener.status("refused", error.message);
        if (stream.lastId && isOfTheRequest(error)) return this.#listener.gone();
        why = error instanceof Problem || error instanceof Silence ? error.message : "The connection broke.";
      }
      if (stream.closed) return;
      failures += 1;
      this.#listener.status("lost", why);
      await this.#rest(pauseAfter(failures));
    }
  }

  async #attempt(stream, arrived) {
    stream.attempt = new AbortController();
    const { signal } = stream.attempt;
    const headers = { Accept: "text/event-stream", ...(stream.lastId && { "Last-Event-ID": stream.lastId }) };
    const watch = new Watch(stream.attempt);
    const breath = new Breath();
    try {
      const response = await this.#api.open("Record/Stream", stream.parameters, headers, signal);
      if (stream.closed) return;
      this.#listener.status("open", "");
      const parser = new Parser(stream.lastId);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        watch.heard();
        for (const message of parser.push(piece.value)) {
          if (stream.closed) return;
          stream.lastId = message.id;
          arrived();
          this.#listener.message(message);
        }
        stream.lastId = parser.lastId;
        await breath.take();
      }
    } finally {
      watch.close();
      breath.close();
      stream.attempt.abort();
    }
  }

  #rest(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

class Silence extends Error {}

/** Ends an attempt that has gone silent: a network may break without a word. */
class Watch {
  constructor(attempt) {
    this.#timer = setInterval(() => {
      if (Date.now() - this.#last > SILENCE_MS) attempt.abort(new Silence("The service has gone silent."));
    }, SILENCE_MS / 8);
  }

  #timer;
  #last = Date.now();

  heard() {
    this.#last = Date.now();
  }

  close() {
    clearInterval(this.#timer);
  }
}

function isOfTheRequest(error) {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && !NOT_THE_REQUEST.includes(error.status);
}

/** Longer with each failure, and for each page another time, so that not all come back at once. */
function pauseAfter(failures) {
  const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** failures);
  return SHORTEST_MS + Math.random() * (most - SHORTEST_MS);
}
