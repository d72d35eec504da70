/** Who is in: how many there are, the first of them, and those whose ids begin with something. */

import { arrange, find, make, say } from "./dom.js";
import { framed, rested, single } from "./pace.js";
import { moment, number } from "./words.js";

const SHOWN = 100;
const READ = 150; // so that there are others to move up when some leave
const REMEMBERED = 10_000;
const SEARCH_MS = 150;
const SETTLE_MS = 1_500; // the API gives a count again for a second
const SETTLE_AT_LEAST_MS = 5_000;

/** Shows who is in, whatever their number: it never has more than the first ones. */
export class Roster {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    const search = rested(() => this.refresh(), SEARCH_MS);
    this.#search.addEventListener("input", search);
    find("roster-search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.refresh();
    });
  }

  #api;
  #search = find("prefix");
  #count = find("count");
  #unit = find("count-unit");
  #summary = find("roster-summary");
  #since = find("roster-since");
  #list = find("roster");
  #total = 0;
  #matching = 0;
  #prefix = "";
  /** @type {Map<string, any>} Records of the first ones, by id. */
  #first = new Map();
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, boolean>} Whether students of whom the stream has spoken are in. */
  #known = new Map();
  /** @type {Map<string, any>} Records that have come since the last frame. */
  #news = new Map();
  #apply = framed(() => this.#update());
  #settled = performance.now();
  #settle = rested(() => this.refresh(), SETTLE_MS);

  /** Read it anew. */
  refresh = single(() => this.#read());

  /**
   * Take a student's record as it has become.
   * @param {any} record
   */
  hear(record) {
    this.#news.set(record.StudentId, record);
    if (this.#news.size < REMEMBERED) return this.#apply();
    this.#news.clear(); // too many, as in a page that is not looked at
    this.refresh();
  }

  async #read() {
    const prefix = this.#search.value.trim();
    const asked = { state: "LoggedIn", count: true };
    try {
      const [page, all] = await Promise.all([
        this.#api.get("Record", { ...asked, limit: READ, ...(prefix && { prefix }) }),
        prefix ? this.#api.get("Record", { ...asked, limit: 1 }) : null,
      ]);
      this.#settled = performance.now();
      this.#prefix = prefix;
      this.#matching = page.Count;
      this.#total = (all ?? page).Count;
      this.#first = new Map(page.Records.map((record) => [record.StudentId, record]));
      this.#known.clear();
      this.#show();
    } catch (error) {
      if (this.#rows.size === 0 && !error.isRefusal) say(this.#summary, error.message);
    }
  }

  /** Apply what has come. It may be a little off, because a record doesn't tell what it was before: so it is read again. */
  #update() {
    for (const [id, record] of this.#news) {
      const isIn = record.State === "LoggedIn";
      const change = Number(isIn) - Number(this.#wasIn(record));
      this.#known.set(id, isIn);
      this.#total += change;
      if (!id.startsWith(this.#prefix)) continue;
      this.#matching += change;
      if (isIn) this.#first.set(id, record);
      else this.#first.delete(id);
    }
    this.#news.clear();
    if (this.#known.size > REMEMBERED) this.#known.clear();
    this.#show();
    if (performance.now() - this.#settled > SETTLE_AT_LEAST_MS) this.refresh();
    else this.#settle();
  }

  #wasIn(record) {
    const id = record.StudentId;
    if (this.#known.has(id)) return this.#known.get(id);
    if (this.#first.has(id)) return true;
    const isNew = record.Since === record.Seen; // the latest update has changed the state
    return record.State === "LoggedIn" ? !isNew : isNew && record.Logins > 0;
  }

  #show() {
    const ids = [...this.#first.keys()].sort(inOrder);
    for (const id of ids.splice(READ)) this.#first.delete(id);
    this.#total = Math.max(this.#total, ids.length);
    this.#matching = Math.max(this.#matching, ids.length);
    ids.splice(SHOWN);
    this.#number(this.#total);
    say(this.#unit, this.#total === 1 ? "student is in" : "students are in");
    say(this.#summary, this.#summarize(ids.length));
    this.#arrange(ids);
  }

  #number(total) {
    const text = number(total);
    this.#count.dataset.length = text.length > 7 ? "longest" : text.length > 5 ? "long" : "short";
    say(this.#count, text);
  }

  #summarize(shown) {
    const such = this.#prefix && ` with “${this.#prefix}…”`;
    if (shown === 0) return such ? `Nobody${such}` : "Nobody is in.";
    if (such) return shown < this.#matching ? `First ${number(shown)} of ${number(this.#matching)}${such}` : `${number(shown)}${such}`;
    return shown < this.#matching ? `First ${number(shown)} of ${number(this.#matching)}` : "All of them";
  }

  #arrange(ids) {
    const rows = new Map(ids.map((id) => [id, this.#row(this.#first.get(id))]));
    arrange(this.#list, [...rows.values()]);
    this.#rows = rows;
    this.#since.hidden = ids.length === 0;
  }

  #row(record) {
    const since = moment(new Date(record.Since));
    const known = this.#rows.get(record.StudentId);
    if (known !== undefined) {
      known.lastElementChild.dateTime = record.Since;
      say(known.lastElementChild, since);
      return known;
    }
    const id = make("span", { class: "id", dir: "auto", title: record.StudentId }, record.StudentId);
    return make("li", {}, id, make("time", { datetime: record.Since }, since));
  }
}

/** As the API sorts, but for rare characters, those beyond U+FFFF. */
function inOrder(one, other) {
  return one < other ? -1 : Number(one > other);
}
