// A station's event log, the newest first: what was there, older pages on request, and what is told meanwhile.

import { ask } from "./api.js";
import { el, eachFrame, moment, say } from "./dom.js";

const PAGE = 100;
const LIMIT = 2000; // rows in the document; beyond that the oldest go

export class EventLog {
  /** @param {string} path of the station in the API */
  constructor(path) {
    this.path = path;
    /** @type {any[]} by version, growing, without a gap */
    this.events = [];
    this.waiting = [];
    this.ready = false;
    this.draw = eachFrame(() => this._draw());
    this.filter = el("input", { type: "search", "aria-label": "Filter events", placeholder: "Filter", input: () => this._all() });
    this.rows = el("tbody", {});
    this.more = el("button", { type: "button", hidden: true, click: () => this._older() }, "Older events");
    this.count = el("small", {});
    this.element = el("section", {}, el("h3", {}, "Events ", this.count), this.filter,
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Events" },
        el("table", { class: "events" }, this.rows)), this.more);
  }

  async load() {
    try {
      this.events = (await ask(`${this.path}/events?last=${PAGE}`)).events;
    } catch {
      this.events = []; // a station that the log does not know
    }
    this.ready = true;
    this.add([]);
  }

  /** @param {any[]} events in order; those that are known are left out */
  add(events) {
    this.waiting.push(...events);
    if (!this.ready) return;
    for (const one of this.waiting) {
      const last = this.events[this.events.length - 1];
      if (!last || one.version > last.version) this.events.push(one);
    }
    this.waiting = [];
    if (this.events.length > LIMIT) this.events.splice(0, this.events.length - LIMIT);
    this.draw();
  }

  /** Return how the station last introduced itself, as far as the events in this page tell. */
  model() {
    const boot = this.events.findLast((one) => one.type === "Booted")?.data;
    return boot ? [boot.vendor, boot.model, boot.firmware].filter(Boolean).join(" ") : "";
  }

  async _older() {
    const first = this.events[0].version;
    const after = Math.max(0, first - 1 - PAGE);
    const { events } = await ask(`${this.path}/events?after=${after}&limit=${PAGE}`);
    this.events = [...events.filter((one) => one.version < first), ...this.events];
    this._all();
  }

  _all() {
    this.rows.replaceChildren();
    this.draw();
  }

  _draw() {
    const sought = this.filter.value.trim().toLowerCase();
    const newest = Number(this.rows.firstChild?.dataset.version ?? 0);
    const rows = [];
    for (const one of this.events) {
      if (one.version <= newest) continue;
      const text = JSON.stringify(one.data);
      if (sought && !`${one.type} ${text}`.toLowerCase().includes(sought)) continue;
      rows.push(row(one));
    }
    this.rows.prepend(...rows.reverse());
    while (this.rows.children.length > LIMIT) this.rows.lastChild.remove();
    say(this.count, this.events.length ? `${this.events.length} of ${this.events[this.events.length - 1].version}` : "none");
    this.more.hidden = !this.events.length || this.events[0].version === 1;
  }
}

/** @param {{version: number, type: string, data: any}} one */
function row(one) {
  const { at, ...rest } = one.data;
  const members = Object.entries(rest).filter(([, value]) => value !== null && value !== "");
  const text = members.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(" · ");
  return el("tr", { "data-version": one.version }, el("td", {}, String(one.version)),
    el("td", {}, el("time", { datetime: String(at ?? "") }, moment(at))), el("th", { scope: "row" }, one.type), el("td", {}, text));
}
