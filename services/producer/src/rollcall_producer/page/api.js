/** The API: requests with the token, and what it answers. */

const PATIENCE_MS = 20_000;

/** An answer that says what is wrong. */
export class Problem extends Error {
  /**
   * @param {number} status 0 if there was no answer at all.
   * @param {{detail?: string, title?: string, field?: string, outcome?: string}} document
   */
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The service answered ${status}.`);
    this.status = status;
    this.field = document.field ?? "";
    this.outcome = document.outcome ?? "";
  }

  /** Whether a token, or another one, would help. */
  get isRefusal() {
    return this.status === 401 || this.status === 403;
  }
}

/** Asks the API. */
export class Api {
  /** @param {import("./token.js").Token} token */
  constructor(token) {
    this.#token = token;
  }

  #token;

  /**
   * Read something.
   * @param {string} path
   * @param {Record<string, string | number | boolean>} parameters
   * @returns {Promise<any>}
   * @throws {Problem}
   */
  async get(path, parameters = {}) {
    const response = await this.open(path, parameters, {}, AbortSignal.timeout(PATIENCE_MS));
    return response.json();
  }

  /**
   * Open what is read bit by bit.
   * @param {string} path
   * @param {Record<string, string | number | boolean>} parameters
   * @param {Record<string, string>} headers
   * @param {AbortSignal} signal
   * @returns {Promise<Response>}
   * @throws {Problem}
   */
  async open(path, parameters, headers, signal) {
    if (this.#token.isWanted) throw new Problem(401, { detail: "A token is needed." });
    const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    try {
      return await this.#send(`${path}?${query}`, { headers, signal });
    } catch (error) {
      if (error instanceof Problem && error.isRefusal) this.#token.want(error.message);
      throw error;
    }
  }

  /**
   * Send an update.
   * @param {{StudentId: string, State: string}} update
   * @param {string} key Its Idempotency-Key.
   * @returns {Promise<string>} Its position.
   * @throws {Problem}
   */
  async put(update, key) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const response = await this.#send("Record/Update", {
      method: "PUT",
      headers,
      body: JSON.stringify(update),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return response.headers.get("X-Rollcall-Position") ?? "";
  }

  async #send(url, options) {
    const headers = { ...options.headers, ...this.#token.headers };
    let response;
    try {
      response = await fetch(url, { ...options, headers, cache: "no-store", credentials: "omit" });
    } catch (error) {
      if (error.name === "TimeoutError") throw new Problem(0, { detail: "The service does not answer." });
      if (options.signal.aborted) throw error;
      throw new Problem(0, { detail: "The service can't be reached." });
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
  }
}
