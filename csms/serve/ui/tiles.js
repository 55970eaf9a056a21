// The fleet as tiles. Only those in sight are in the document, so their number does not matter.

import { el, eachFrame, say } from "./dom.js";
import { STATES, counts, stateOf } from "./fleet.js";

const HEIGHT = 76;
const WIDTH = 190;
const GAP = 10;
const BEYOND = 3; // rows above and below what is in sight

export class Tiles {
  /** @param {import("./fleet.js").Fleet} fleet */
  constructor(fleet) {
    this.fleet = fleet;
    this.filter = "all";
    /** @type {string[]} */
    this.shown = [];
    /** @type {Map<string, any>} */
    this.drawn = new Map();
    this.focused = "";
    this.redraw = eachFrame(() => this._draw());
    this.search = el("input", {
      type: "search", id: "search", placeholder: "Find a station", "aria-label": "Find a station",
      autocomplete: "off", spellcheck: "false", input: () => this._narrowed(),
    });
    this.filters = new Map();
    const chips = el("div", { class: "chips", role: "group", "aria-label": "Show" });
    for (const name of ["all", "online", "charging", "faulted", "doubt", "offline"]) {
      const count = el("b", {}, "0");
      const { sign, word } = name === "all" ? { sign: "", word: "all" } : STATES[name];
      const chip = el(
        "button",
        { type: "button", class: "chip", "data-state": name, click: () => this._choose(name) },
        sign ? el("i", { "aria-hidden": "true" }, sign) : null, `${word} `, count,
      );
      this.filters.set(name, { chip, count });
      chips.append(chip);
    }
    this.list = el("ul", { class: "tiles", keydown: (event) => this._moved(event) });
    this.empty = el("p", { class: "empty" }, "");
    this.element = el("section", { "aria-label": "Stations" },
      el("div", { class: "tools" }, this.search, chips), this.list, this.empty);
    this.replace = eachFrame(() => this.element.isConnected && this._place());
    addEventListener("scroll", this.replace, { passive: true });
    addEventListener("resize", this.replace);
  }

  _choose(name) {
    this.filter = name;
    this._narrowed();
  }

  _narrowed() {
    if (this.element.isConnected) scrollTo({ top: 0 });
    this.redraw();
  }

  /** Choose the tiles that are to be seen, and bring the document to that. */
  _draw() {
    if (!this.element.isConnected) return;
    const { stations, names } = this.fleet;
    const sought = this.search.value.trim().toLowerCase();
    const totals = { all: names.length, online: 0, charging: 0, faulted: 0, doubt: 0, offline: 0 };
    this.shown = [];
    for (const name of names) {
      const station = stations.get(name);
      totals[station.online ? "online" : "offline"] += 1;
      if (station.charging) totals.charging += 1;
      if (station.faulted) totals.faulted += 1;
      if (station.doubt) totals.doubt += 1;
      if (counts(station, this.filter) && (!sought || name.toLowerCase().includes(sought))) this.shown.push(name);
    }
    for (const [name, { chip, count }] of this.filters) {
      say(count, String(totals[name]));
      chip.setAttribute("aria-pressed", String(name === this.filter));
    }
    let text = "";
    if (!this.shown.length) text = names.length ? "No station is like that." : "No station has dialled in yet.";
    say(this.empty, this.fleet.loaded ? text : "Asking for the stations…");
    this._place();
  }

  _place() {
    const width = this.list.clientWidth;
    const columns = Math.max(1, Math.floor((width + GAP) / (WIDTH + GAP)));
    this.columns = columns;
    const rows = Math.ceil(this.shown.length / columns);
    this.list.style.height = `${Math.max(0, rows * (HEIGHT + GAP) - GAP)}px`;
    const top = -this.list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / (HEIGHT + GAP)) - BEYOND);
    const last = Math.ceil((top + innerHeight) / (HEIGHT + GAP)) + BEYOND;
    const wanted = this.shown.slice(first * columns, last * columns);
    const kept = new Set(wanted);
    if (!kept.has(this.focused)) this.focused = wanted[0] ?? "";
    for (const [name, tile] of this.drawn) {
      if (kept.has(name)) continue;
      tile.remove();
      this.drawn.delete(name);
    }
    const share = (width - GAP * (columns - 1)) / columns;
    let previous = null;
    wanted.forEach((name, offset) => {
      const index = first * columns + offset;
      const tile = this.drawn.get(name) ?? this._made(name);
      this._fill(tile, name, index);
      tile.style.width = `${share}px`;
      tile.style.left = `${(index % columns) * (share + GAP)}px`;
      tile.style.top = `${Math.floor(index / columns) * (HEIGHT + GAP)}px`;
      const before = previous ? previous.nextSibling : this.list.firstChild;
      if (before !== tile) this.list.insertBefore(tile, before);
      previous = tile;
    });
  }

  _made(name) {
    const link = el("a", { href: `#/station/${encodeURIComponent(name)}`, focus: () => (this.focused = name) },
      el("b", {}), el("span", { class: "state" }), el("span", { class: "places" }));
    const tile = el("li", { class: "tile" }, link);
    this.drawn.set(name, tile);
    return tile;
  }

  _fill(tile, name, index) {
    const station = this.fleet.stations.get(name);
    const state = stateOf(station);
    const link = tile.firstChild;
    const [title, word, places] = link.children;
    if (tile.dataset.state !== state) tile.dataset.state = state;
    say(title, name);
    const open = station.open ? `, ${station.open} under way` : "";
    say(word, `${STATES[state].sign} ${STATES[state].word}${open}`);
    say(places, station.connectors.filter(([evse]) => evse > 0).map(([, , status]) => status).join(" · "));
    tile.setAttribute("aria-posinset", String(index + 1));
    tile.setAttribute("aria-setsize", String(this.shown.length));
    link.tabIndex = name === this.focused ? 0 : -1;
  }

  /** Arrows, Home and End move among the tiles, those that are not in the document among them. */
  _moved(event) {
    const by = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, Home: -Infinity, End: Infinity,
    }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = this.shown.indexOf(this.focused) + by;
    const index = Math.min(this.shown.length - 1, Math.max(0, at));
    this.focused = this.shown[index];
    const y = this.list.getBoundingClientRect().top + scrollY + Math.floor(index / this.columns) * (HEIGHT + GAP);
    const head = 140; // what stays at the top covers this much
    if (y < scrollY + head || y + HEIGHT > scrollY + innerHeight) {
      scrollTo({ top: y - (by > 0 ? innerHeight - HEIGHT - GAP : head) });
    }
    this._place();
    this.drawn.get(this.focused)?.firstChild.focus({ preventScroll: true });
  }
}
