// What is known of all stations: a copy of what the server says of each, asked again for those that events name.

import { ask } from "./api.js";

const AT_ONCE = 100;
const PACE_MS = 150;

/**
 * @typedef {{id: string, online: boolean, protocol: string, registration: string, faulted: boolean, charging: number,
 *   open: number, doubt: number, connectors: [number, number, string][]}} Glance
 * @typedef {"offline" | "online" | "charging" | "faulted" | "doubt"} State
 */

/** Each state with its sign and its word: colour is never alone. */
export const STATES = {
  doubt: { sign: "?", word: "in doubt" },
  faulted: { sign: "!", word: "faulted" },
  charging: { sign: "↯", word: "charging" },
  online: { sign: "●", word: "online" },
  offline: { sign: "○", word: "offline" },
};

/**
 * Return the one state a station is shown in: what needs a person comes first.
 * @param {Glance} station
 * @returns {State}
 */
export function stateOf(station) {
  if (station.doubt) return "doubt";
  if (station.faulted) return "faulted";
  if (!station.online) return "offline";
  return station.charging ? "charging" : "online";
}

/**
 * Tell whether a station counts under a filter; one that charges is online too.
 * @param {Glance} station
 * @param {string} filter a `State`, or `all`
 */
export function counts(station, filter) {
  if (filter === "all") return true;
  if (filter === "online") return station.online;
  if (filter === "offline") return !station.online;
  if (filter === "charging") return station.charging > 0;
  return filter === "faulted" ? station.faulted : station.doubt > 0;
}

export class Fleet {
  /** @param {() => void} changed is called after each change */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, Glance>} */
    this.stations = new Map();
    /** @type {string[]} */
    this.names = [];
    /** @type {Set<string>} */
    this.stale = new Set();
    this.asking = false;
    this.loaded = false;
  }

  /**
   * Ask for all stations; return the position from which to follow.
   * @returns {Promise<number>}
   */
  async load() {
    let position = null;
    let after = "";
    const found = new Map();
    do {
      const page = await ask(`/api/fleet?limit=1000&after=${encodeURIComponent(after)}`);
      position ??= page.position;
      for (const one of page.stations) found.set(one.id, one);
      after = page.next;
    } while (after !== null);
    this.stations = found;
    this.loaded = true;
    this._sort();
    return position;
  }

  /**
   * Note which stations events name, and ask for these soon.
   * @param {{stream: string}[]} events
   */
  told(events) {
    for (const { stream } of events) {
      if (stream.startsWith("station-")) this.stale.add(stream.slice("station-".length));
    }
    if (this.stale.size && !this.asking) this._ask();
  }

  async _ask() {
    this.asking = true;
    try {
      while (this.stale.size) {
        const names = [...this.stale].slice(0, AT_ONCE);
        for (const name of names) this.stale.delete(name);
        const query = names.map((name) => `id=${encodeURIComponent(name)}`).join("&");
        this._merge((await ask(`/api/fleet?${query}`)).stations);
        await new Promise((done) => setTimeout(done, PACE_MS));
      }
    } catch {
      this.stale.clear(); // the connection is lost: all are asked for when it is back
    } finally {
      this.asking = false;
    }
  }

  /** @param {Glance[]} stations */
  _merge(stations) {
    const before = this.stations.size;
    for (const one of stations) this.stations.set(one.id, one);
    if (this.stations.size !== before) this._sort();
    else this.changed();
  }

  _sort() {
    this.names = [...this.stations.keys()].sort((one, other) => ORDER.compare(one, other));
    this.changed();
  }
}

const ORDER = new Intl.Collator(undefined, { numeric: true });
