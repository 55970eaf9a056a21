// One simulated station, and a hand on it: cables, cards, supply, faults, its line, and the frames as they pass.

import { Problem, ask } from "./api.js";
import { el, eachFrame, say } from "./dom.js";

const ROWS = 300;

export class StationPage {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.path = `/api/stations/${encodeURIComponent(name)}`;
    this.closed = false;
    this.busy = false;
    /** @type {Set<number>} */
    this.seen = new Set(); // positions of the rows that are shown
    this.soon = eachFrame(() => this.refresh());
    this.state = el("span", { class: "pill" }, "…");
    this.facts = el("p", { class: "facts" });
    this.outcome = el("p", { class: "outcome", role: "status", tabindex: "-1" });
    this.evses = el("div", { class: "cards" });
    this.orders = el("div", { class: "orders", role: "group", "aria-label": "The whole station" });
    this.rows = el("tbody", {});
    const text = el("textarea", { "aria-label": "A frame to send", placeholder: '[2,"1","Heartbeat",{}]', spellcheck: "false" });
    const raw = el("form", { submit: (event) => {
      event.preventDefault();
      this.deed("raw", { text: text.value });
    } }, text, el("button", {}, "Send this frame"));
    this.element = el("article", { class: "station" },
      el("p", {}, el("a", { href: "#/" }, "← all stations")),
      el("h2", {}, name, " ", this.state), this.facts, this.outcome,
      el("section", {}, el("h3", {}, "EVSEs"), this.evses),
      el("section", {}, el("h3", {}, "The whole station"), this.orders, raw),
      el("section", {}, el("h3", {}, "As it passes"),
        el("div", { class: "frames", tabindex: "0", role: "region", "aria-label": "As it passes" },
          el("table", {}, el("thead", {}, el("tr", {}, ...["Seconds", "What", "In full"].map((one) => el("th", { scope: "col" }, one)))),
            this.rows))));
    ask(`${this.path}/passed`).then(({ events }) => this.told(events), () => this.refresh());
    this.refresh();
  }

  close() {
    this.closed = true;
  }

  /** @param {{position: number, stream: string, type: string, data: any}[]} events of all stations */
  told(events) {
    const mine = events.filter((one) => one.stream === `station-${this.name}` && !this.seen.has(one.position)).slice(-ROWS);
    if (!mine.length) return;
    for (const one of mine) this.seen.add(one.position);
    const rows = mine.map(({ position, type, data }) => {
      const { t, edge, text, socket, node, ...rest } = data;
      const kind = type === "frame" ? edge : type;
      const what = { "station.sent": "station → CSMS", "station.received": "CSMS → station" }[kind] ?? kind;
      return el("tr", { "data-kind": kind, "data-position": position }, el("td", {}, t.toFixed(2)), el("td", {}, what),
        el("td", {}, type === "frame" ? text : Object.entries(rest).map(([name, value]) => `${name} ${value}`).join(", ")));
    });
    const all = [...this.rows.children, ...rows].sort((one, other) => other.dataset.position - one.dataset.position);
    for (const gone of all.splice(ROWS)) this.seen.delete(Number(gone.dataset.position));
    this.rows.replaceChildren(...all);
    this.soon();
  }

  async refresh() {
    if (this.closed) return;
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    try {
      this._draw(await ask(this.path));
    } catch (error) {
      if (error instanceof Problem) say(this.outcome, error.message);
    } finally {
      this.busy = false;
      if (this.again) setTimeout(() => this.refresh(), 100);
    }
  }

  _draw(now) {
    const state = now.online ? "online" : now.connected ? "connected, not accepted" : now.running ? "not connected" : "without power";
    say(this.state, state);
    this.state.dataset.state = now.online ? "online" : "offline";
    say(this.facts, `OCPP ${now.ocpp} · supply ${now.volts} V · ${now.outbox} message${now.outbox === 1 ? "" : "s"} without an answer`);
    if (!this.orders.firstChild) this._drawOrders(now);
    const cards = new Map([...this.evses.children].map((one) => [one.dataset.place, one]));
    for (const one of now.evses) {
      const card = cards.get(String(one.connector)) ?? this._card(one.connector, now.faults);
      if (!card.isConnected) this.evses.append(card);
      const [, status, fault, facts] = card.firstChild.children;
      say(status, one.status);
      status.dataset.state = one.fault ? "faulted" : one.session ? "charging" : "online";
      say(fault, one.fault ? `fault ${one.fault}` : "");
      say(facts, [
        one.plugged ? "cable in" : "no cable", one.locked ? "locked" : "unlocked",
        one.charging ? "contactor closed" : "contactor open", `${one.energy_wh} Wh`,
        one.transaction_id === null ? "no transaction" : `transaction ${one.transaction_id}`,
      ].join(" · "));
    }
  }

  _card(evse, faults) {
    const card = el("input", { "aria-label": `Card for EVSE ${evse}`, value: "TAG-DRIVER", required: true, maxlength: 36 });
    const fault = el("select", { "aria-label": `Fault of EVSE ${evse}` }, ...faults.map((one) => el("option", {}, one)));
    return el("div", { class: "card", "data-place": evse },
      el("div", {}, el("h4", {}, `EVSE ${evse}`), el("span", { class: "pill" }), el("p", { class: "bad" }), el("p", {})),
      el("div", { class: "orders", role: "group", "aria-label": `EVSE ${evse}` },
        this._button("Plug in", "plug", { evse }), this._button("Unplug", "unplug", { evse }),
        el("form", { submit: (event) => {
          event.preventDefault();
          this.deed("swipe", { evse, card: card.value });
        } }, card, el("button", {}, "Swipe")),
        el("form", { submit: (event) => {
          event.preventDefault();
          this.deed("fail", { evse, fault: fault.value });
        } }, fault, el("button", {}, "Break")),
        this._button("Mend", "clear", { evse }), this._button("Send status", "status", { evse }),
        this._button("Send meter values", "meter", { evse })));
  }

  _drawOrders(now) {
    const volts = el("input", { type: "number", "aria-label": "Sag by, in volts", min: 1, max: 230, value: 60, required: true });
    const seconds = el("input", { type: "number", "aria-label": "For, in seconds", min: 0, max: 3600, value: 10, required: true });
    this.orders.replaceChildren(
      this._button("Cut the line", "cut"), this._button("Dial again at once", "dial"), this._button("Send a heartbeat", "heartbeat"),
      el("form", { submit: (event) => {
        event.preventDefault();
        this.deed("sag", { volts: Number(volts.value), seconds: Number(seconds.value) });
      } }, volts, "V for", seconds, "s", el("button", {}, "Let the supply sag"),
      el("button", { type: "button", click: () => this.deed("power-cut", { seconds: Number(seconds.value) }) }, "Cut the power")));
  }

  _button(text, deed, more = {}) {
    return el("button", { type: "button", click: () => this.deed(deed, more) }, text);
  }

  /** Do something to the station and show what came of it. */
  async deed(deed, more = {}) {
    try {
      const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ deed, ...more }) };
      const { said } = await ask(`${this.path}/deeds`, how);
      this.outcome.dataset.state = "accepted";
      say(this.outcome, said);
    } catch (error) {
      this.outcome.dataset.state = "rejected";
      say(this.outcome, error.message);
    }
    await this.refresh();
  }
}
