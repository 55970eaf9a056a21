// A station's page: its EVSEs, commands, events, and what it sends that it should not.

import { Problem, ask, command } from "./api.js";
import { MEANS, shown, wordsOf } from "./commands.js";
import { el, eachFrame, moment, say } from "./dom.js";
import { EventLog } from "./events.js";
import { Frames } from "./frames.js";

const SHOWN_COMMANDS = 30;
const ODD = new Set(["DeviationRecorded", "AnomalyRecorded", "ContradictingEvidence"]);

export class StationPage {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.path = `/api/stations/${encodeURIComponent(name)}`;
    this.closed = false;
    this.words = wordsOf("");
    this.asked = ""; // the id of the command whose outcome is shown
    this.asking = false;
    this.again = false;
    this.soon = eachFrame(() => this.refresh());
    this.state = el("span", { class: "pill" }, "…");
    this.about = el("dl", { class: "about" });
    this.outcome = el("p", { class: "outcome", role: "status", tabindex: "-1" });
    this.evses = el("div", { class: "cards" });
    this.orders = el("div", { class: "orders" });
    this.commands = el("tbody", {});
    this.none = el("p", { class: "empty" }, "Nothing was asked of it.");
    this.odd = el("ul", { class: "odd" });
    this.frames = new Frames(name, this.path);
    this.log = new EventLog(this.path);
    this.element = el("article", { class: "station" },
      el("p", {}, el("a", { href: "#/" }, "← all stations")),
      el("h2", {}, name, " ", this.state), this.about, this.outcome,
      el("section", {}, el("h3", {}, "EVSEs"), this.evses),
      el("section", {}, el("h3", {}, "The whole station"), this.orders),
      el("section", {}, el("h3", {}, "Commands"), this.none,
        el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Commands" },
          el("table", { class: "commands" }, head("Command", "State", "Since", "Means"), this.commands))),
      el("section", {}, el("h3", {}, "Deviations and anomalies"), this.odd),
      this.frames.element, this.log.element);
    this._drawOrders("");
    this._askOdd();
    this.log.load().then(() => this.refresh());
  }

  close() {
    this.closed = true;
    this.frames.close();
  }

  /** @param {{stream: string, version: number, type: string, data: any}[]} events of all stations */
  told(events) {
    const mine = events.filter((one) => one.stream === `station-${this.name}`);
    if (!mine.length) return;
    this.log.add(mine);
    this.soon();
    if (mine.some((one) => ODD.has(one.type))) this._askOdd();
  }

  /** Ask how the station stands, one time after another. */
  async refresh() {
    if (this.closed) return;
    this.again = this.asking;
    if (this.asking) return;
    this.asking = true;
    try {
      const [about, connectors, commands, transactions] = await Promise.all(
        ["", "/connectors", "/commands", "/transactions"].map((part) => ask(this.path + part)));
      this._draw(about, connectors.connectors, commands.commands, transactions.transactions);
    } catch (error) {
      if (error instanceof Problem) say(this.outcome, error.message);
    } finally {
      this.asking = false;
      if (this.again) setTimeout(() => this.refresh(), 100);
    }
  }

  _draw(about, connectors, commands, transactions) {
    const state = about.online ? "online" : "offline";
    say(this.state, state);
    this.state.dataset.state = state;
    this._drawOrders(about.protocol);
    const facts = [
      ["Speaks", about.protocol || "unknown"], ["Registration", about.registration], ["Node", about.node],
      ["Model", this.log.model()], ["Online since", about.online ? moment(about.online_at) : ""],
    ];
    this.about.replaceChildren(...facts.filter(([, value]) => value).flatMap(
      ([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    this._drawEvses(connectors.filter((one) => one.evse > 0), new Map(transactions.map((one) => [one.transaction_id, one])));
    this._drawCommands(commands);
  }

  // --- EVSEs: cards are kept, so that what is being typed or focused stays ---

  _drawEvses(connectors, transactions) {
    const cards = new Map([...this.evses.children].map((one) => [one.dataset.place, one]));
    for (const one of connectors) {
      const place = `${one.evse}.${one.connector}`;
      const card = cards.get(place) ?? this._card(one.evse, one.connector);
      cards.delete(place);
      if (!card.isConnected) this.evses.append(card);
      const [, status, error, held, running] = card.firstChild.children;
      say(status, one.status);
      status.dataset.state = one.status === "Faulted" ? "faulted" : one.transaction ? "charging" : "online";
      say(error, one.error_code && one.error_code !== "NoError" ? `error ${one.error_code}` : "");
      say(held, one.held_by ? `held by ${one.held_by}` : "");
      const transaction = transactions.get(one.transaction);
      say(running, one.transaction ? `transaction ${one.transaction}${transaction ? by(transaction) : ""}` : "");
      const stop = card.querySelector("[data-do=stop]");
      stop.hidden = !one.transaction;
      stop.dataset.transaction = one.transaction ?? "";
      card.querySelector("form").hidden = Boolean(one.transaction);
    }
    for (const gone of cards.values()) gone.remove();
    if (!connectors.length) this.evses.replaceChildren(el("p", { class: "empty" }, "It has not told of its connectors."));
  }

  _card(evse, connector) {
    const token = el("input", { "aria-label": `Token for EVSE ${evse}`, placeholder: "token", required: true, maxlength: 36 });
    const start = el("form", { submit: (event) => {
      event.preventDefault();
      this.order(this.words.start(evse, token.value.trim()));
    } }, token, el("button", {}, "Start"));
    const stop = el("button", { type: "button", "data-do": "stop", hidden: true,
      click: () => this.order(this.words.stop(stop.dataset.transaction)) }, "Stop");
    const title = connector > 1 ? `EVSE ${evse}, connector ${connector}` : `EVSE ${evse}`;
    return el("div", { class: "card", "data-place": `${evse}.${connector}` },
      el("div", {}, el("h4", {}, title), el("span", { class: "pill" }), el("p", { class: "bad" }), el("p", {}), el("p", {})),
      el("div", { class: "orders", role: "group", "aria-label": title },
        button("Unlock", () => this.order(this.words.unlock(evse, connector))), stop, start,
        button("Out of service", () => this.order(this.words.availability(evse, false))),
        button("In service", () => this.order(this.words.availability(evse, true)))));
  }

  _drawOrders(protocol) {
    const words = wordsOf(protocol);
    if (this.orders.firstChild && words === this.words) return;
    this.words = words;
    const message = el("select", { "aria-label": "Message to ask for" }, ...words.messages.map((one) => el("option", {}, one)));
    this.orders.replaceChildren(
      ...words.resets.map(([name, hard]) => button(`Reset: ${name.toLowerCase()}`, () => this.order(words.reset(hard)))),
      button("Out of service", () => this.order(words.availability(0, false))),
      button("In service", () => this.order(words.availability(0, true))),
      el("span", { class: "pair" }, message, button("Trigger", () => this.order(words.trigger(message.value)))));
  }

  // --- commands ---

  /** Ask for a command and show what becomes of it. @param {import("./commands.js").Command} wanted */
  async order(wanted, force = false) {
    this.asked = "";
    this._tell("requested", `${wanted.action}: asking…`);
    try {
      const { id } = await command(this.name, { ...wanted, ...(force ? { force } : {}) });
      this.asked = id;
      this.action = wanted.action;
      this._tell("requested", `${wanted.action}: ${MEANS.requested}`);
      await this.refresh();
    } catch (error) {
      this._tell("rejected", `${wanted.action}: ${error.message}`);
      if (error.status === 409 && !force) {
        this.outcome.append(" ", button("Insist", () => this.order(wanted, true)));
      }
    }
  }

  _tell(state, text) {
    this.outcome.dataset.state = state;
    this.outcome.replaceChildren(text);
  }

  _drawCommands(commands) {
    const mine = commands.find((one) => one.id === this.asked);
    if (mine) {
      this._tell(mine.state, `${this.action}: ${shown(mine.state)} · ${MEANS[mine.state] ?? ""}`);
      if (!mine.open && !mine.doubtful) this.asked = "";
    }
    this.none.hidden = commands.length > 0;
    const rows = new Map([...this.commands.children].map((one) => [one.dataset.id, one]));
    commands.slice(0, SHOWN_COMMANDS).forEach((one, index) => {
      const row = rows.get(one.id) ?? this._row(one);
      rows.delete(one.id);
      if (this.commands.children[index] !== row) this.commands.insertBefore(row, this.commands.children[index] ?? null);
      const [, state, since, means] = row.children;
      say(state.firstChild, shown(one.state));
      state.firstChild.dataset.state = one.state;
      say(since, moment(one.settled_at));
      const against = one.contradicted.length ? ` Observed against it: ${one.contradicted.join(", ")}.` : "";
      say(means.firstChild, `${MEANS[one.state] ?? ""}${one.probe_of ? " (asked by the CSMS for evidence)" : ""}${against}`);
      means.lastChild.hidden = !one.doubtful;
    });
    for (const gone of rows.values()) gone.remove();
  }

  _row(one) {
    const where = one.place ? ` ${one.place.join(".")}` : "";
    const statement = el("input", { placeholder: "what became of it", required: true, maxlength: 500,
      "aria-label": `What became of ${one.id}` });
    const close = el("form", { hidden: true, submit: (event) => {
      event.preventDefault();
      this._closeDoubt(one.id, statement.value);
    } }, statement, el("button", {}, "Close the doubt"));
    return el("tr", { "data-id": one.id },
      el("th", { scope: "row" }, `${one.action ?? one.command}${where}`, el("small", {}, one.id)),
      el("td", {}, el("span", { class: "pill" })), el("td", {}), el("td", {}, el("span", {}), close));
  }

  async _closeDoubt(id, statement) {
    try {
      const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ statement }) };
      await ask(`/api/commands/${encodeURIComponent(id)}/close`, how);
      this._tell("closed", `${id}: closed by hand`);
      await this.refresh();
    } catch (error) {
      this._tell("rejected", error.message);
    }
  }

  // --- what it should not send ---

  async _askOdd() {
    try {
      const { recorded, counted, anomalies } = await ask(`${this.path}/deviations`);
      const times = (one) => counted.find((other) => other.action === one.action && other.member === one.member)?.count;
      const items = recorded.map((one) => el("li", {}, el("b", {}, `${one.action} ${one.member}`),
        ` breaks ${one.rule} (${one.clause})${times(one) ? `, seen ${times(one)}× since the server started` : ""}`));
      items.push(...anomalies.slice(-20).reverse().map((one) =>
        el("li", {}, el("b", {}, one.what), ` ${one.detail} `, el("small", {}, moment(one.at)))));
      this.odd.replaceChildren(...(items.length ? items : [el("li", { class: "empty" }, "None were recorded.")]));
    } catch (error) {
      this.odd.replaceChildren(el("li", {}, error.message));
    }
  }
}

const head = (...names) => el("thead", {}, el("tr", {}, ...names.map((one) => el("th", { scope: "col" }, one))));
const button = (text, click) => el("button", { type: "button", click }, text);

/** Say whose a transaction is and since when. */
function by(transaction) {
  const who = transaction.id_token ? ` for ${transaction.id_token}` : "";
  return `${who}${transaction.started_at ? ` since ${moment(transaction.started_at)}` : ""}`;
}
