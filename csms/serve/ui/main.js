// The live page: asks for the token, follows the log, and shows the fleet or one station.

import { Denied, Problem, ask, follow, keepToken, pause, token } from "./api.js";
import { el, say } from "./dom.js";
import { Fleet } from "./fleet.js";
import { StationPage } from "./station.js";
import { Tiles } from "./tiles.js";

const main = document.getElementById("main");
const feed = document.getElementById("feed");
const leave = document.getElementById("leave");
const fleet = new Fleet(() => tiles.redraw());
const tiles = new Tiles(fleet);
/** @type {StationPage | null} */
let station = null;
let scrolled = 0;

/** @param {"live" | "lost" | "off"} state @param {string} text */
function tell(state, text) {
  feed.dataset.state = state;
  say(feed, text);
}

/** Show what the address names: the fleet, or a station. */
function show() {
  const named = /^#\/station\/(.+)$/.exec(location.hash);
  let name = null;
  try {
    name = named && decodeURIComponent(named[1]);
  } catch {
    name = null; // a % that leads nowhere
  }
  if (!station && main.contains(tiles.element)) scrolled = scrollY;
  station?.close();
  station = null;
  if (name !== null) {
    station = new StationPage(name);
    main.replaceChildren(station.element);
    document.title = `${name} · Interlock`;
    scrollTo({ top: 0 });
    main.focus({ preventScroll: true });
  } else {
    main.replaceChildren(tiles.element);
    document.title = "Interlock";
    tiles.redraw();
    requestAnimationFrame(() => scrollTo({ top: scrolled }));
  }
}

/** Load, follow, and begin again when the connection ends. */
async function watch() {
  for (let failures = 0; ; failures += 1) {
    try {
      const after = await fleet.load();
      station?.refresh();
      tell("live", "live");
      await follow(after, (events) => {
        failures = 0;
        fleet.told(events);
        station?.told(events);
      }, new AbortController().signal);
      tell("lost", "connection lost, dialling again");
    } catch (error) {
      if (error instanceof Denied) throw error;
      tell("lost", error instanceof Problem ? error.message : "connection lost, dialling again");
    }
    await pause(Math.min(10, 0.5 * 2 ** failures));
  }
}

/** Ask for the token until it is the right one. @param {string} why */
function enter(why) {
  const field = el("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "why" });
  const form = el("form", { class: "enter", submit: async (event) => {
    event.preventDefault();
    keepToken(field.value.trim());
    await begin();
  } },
  el("label", { for: "token" }, main.dataset.token), field, el("button", {}, "Show the fleet"),
  el("p", { id: "why", role: "alert" }, why));
  main.replaceChildren(form);
  tell("off", "not connected");
  leave.hidden = true;
  field.focus();
}

async function begin() {
  if (!token()) {
    enter(main.dataset.hint);
    return;
  }
  try {
    await ask("/api/fleet?limit=1");
    leave.hidden = false;
    show();
    await watch();
  } catch (error) {
    if (error instanceof Denied) {
      keepToken("");
      enter(main.dataset.wrong);
    } else {
      enter(error instanceof Problem ? error.message : "The server cannot be reached.");
    }
  }
}

leave.addEventListener("click", () => {
  keepToken("");
  location.reload();
});
addEventListener("hashchange", () => {
  if (!leave.hidden) show();
});
begin();
