// A station's frames as they pass, on request; what was shown is saved as a trace that `interlock judge` reads.

import { Denied, raw } from "./api.js";
import { el, say } from "./dom.js";

const SHOWN = 500; // rows in the document
const KEPT = 50_000; // records that are kept to be saved

export class Frames {
  /** @param {string} name @param {string} path of the station in the API */
  constructor(name, path) {
    this.name = name;
    this.path = path;
    /** @type {AbortController | null} */
    this.watching = null;
    /** @type {string[]} */
    this.records = [];
    this.toggle = el("button", { type: "button", "aria-pressed": "false", click: () => this._toggle() }, "Watch its frames");
    this.save = el("button", { type: "button", hidden: true, click: () => this._save() }, "Save them as a trace");
    this.state = el("small", { role: "status" });
    this.rows = el("tbody", {});
    this.table = el("div", { class: "scroll frames", tabindex: "0", role: "region", "aria-label": "Frames", hidden: true },
      el("table", {}, this.rows));
    this.element = el("section", {}, el("h3", {}, "Frames"),
      el("div", { class: "orders" }, this.toggle, this.save, this.state), this.table);
  }

  close() {
    this.watching?.abort();
    this.watching = null;
  }

  async _toggle() {
    if (this.watching) {
      this.close();
      this._tell(false, `stopped after ${this.records.length}`);
      return;
    }
    const mine = new AbortController();
    this.watching = mine;
    this._tell(true, "asking…");
    try {
      await this._watch(await raw(`${this.path}/frames`, { signal: mine.signal }));
      this._tell(false, "the server ended it");
    } catch (error) {
      if (mine.signal.aborted) return;
      this._tell(false, error instanceof Denied ? "the token is not the right one" : error.message);
    }
    if (this.watching === mine) this.watching = null;
  }

  _tell(on, text) {
    this.toggle.setAttribute("aria-pressed", String(on));
    say(this.toggle, on ? "Stop watching" : "Watch its frames");
    say(this.state, text);
  }

  /** @param {Response} answer */
  async _watch(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      this._add(lines.filter(Boolean));
    }
  }

  /** @param {string[]} lines records of JSON */
  _add(lines) {
    this.records.push(...lines);
    this.records.splice(0, Math.max(0, this.records.length - KEPT));
    const rows = lines.slice(-SHOWN).map((line) => {
      const { timestamp, direction, raw: text, meta } = JSON.parse(line);
      const up = direction === "cp-to-csms";
      const missed = meta?.missed ? ` (${meta.missed} before it were missed)` : "";
      return el("tr", { "data-direction": direction }, el("td", {}, timestamp.slice(11, 23)),
        el("td", {}, up ? "station → CSMS" : "CSMS → station"), el("td", {}, text + missed));
    });
    this.rows.prepend(...rows.reverse());
    while (this.rows.children.length > SHOWN) this.rows.lastChild.remove();
    this.table.hidden = this.save.hidden = this.records.length === 0;
    say(this.state, `${this.records.length} seen`);
  }

  _save() {
    const address = URL.createObjectURL(new Blob([this.records.join("\n"), "\n"], { type: "application/x-ndjson" }));
    const name = `${this.name.replace(/[^\w.-]+/g, "-")}.trace.jsonl`;
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}
