/** When work is done: with a frame, one at a time, and never so long that the page stands still. */

const LONGEST_MS = 12;
const APART_MS = 100;

/**
 * Have work done with the next frame, however often it is asked for until then, and with few frames if that is often.
 * @param {() => void} work
 * @returns {() => void} Asks for it.
 */
export function framed(work) {
  let isAsked = false;
  let last = -APART_MS;
  const run = () => {
    isAsked = false;
    last = performance.now();
    work();
  };
  return () => {
    if (isAsked) return;
    isAsked = true;
    const wait = last + APART_MS - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(run), wait);
    else requestAnimationFrame(run);
  };
}

/**
 * Have work done by one at a time, and once more if it was asked for meanwhile.
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>} Asks for it, and waits for it.
 */
export function single(work) {
  let running = null;
  let again = null;
  const run = () => {
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) return run();
    again ??= running.then(ignore, ignore).then(() => {
      again = null;
      return run();
    });
    return again;
  };
}

/**
 * Have work done after a pause, and not before others that were asked for later have had theirs.
 * @param {() => void} work
 * @param {number} milliseconds
 * @returns {() => void} Asks for it.
 */
export function rested(work, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}

/** Lets the page draw and be used while much comes in. */
export class Breath {
  #since = performance.now();
  #channel = new MessageChannel();

  /** Pause if work has taken long. A timer would be slowed down in a page that is not looked at. */
  async take() {
    if (performance.now() - this.#since < LONGEST_MS) return;
    await new Promise((resolve) => {
      this.#channel.port1.onmessage = resolve;
      this.#channel.port2.postMessage(null);
    });
    this.#since = performance.now();
  }

  /** Stop for good. */
  close() {
    this.#channel.port1.close();
  }
}

function ignore() {}
