// The operator's API: requests with the token, and the feed of events.

const KEPT = "interlock-token";

export class Denied extends Error {}

export class Problem extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** @returns {string} the token of this tab, which ends with it */
export const token = () => sessionStorage.getItem(KEPT) ?? "";

/** @param {string} value an empty one forgets it */
export function keepToken(value) {
  if (value) sessionStorage.setItem(KEPT, value);
  else sessionStorage.removeItem(KEPT);
}

/**
 * Ask the API. Throws `Denied` without the right token, `Problem` with the API's own sentence.
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} [how]
 * @returns {Promise<any>}
 */
export async function ask(path, how = {}) {
  const answer = await raw(path, how);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** @param {string} path @param {RequestInit & {headers?: Record<string, string>}} how */
export async function raw(path, how) {
  const headers = { Authorization: `Bearer ${token()}`, ...how.headers };
  const answer = await fetch(path, { ...how, headers, cache: "no-store", credentials: "omit" });
  if (answer.status === 401) throw new Denied("the token is not the right one");
  if (!answer.ok) {
    let detail = `the server answered ${answer.status}`;
    try {
      detail = (await answer.json()).detail ?? detail;
    } catch {
      // not JSON: the status will do
    }
    throw new Problem(answer.status, detail);
  }
  return answer;
}

/**
 * Ask for a command, once: a request whose answer is lost is sent again under the same key.
 * @param {string} station
 * @param {{action: string, payload: object, force?: boolean}} command
 * @returns {Promise<{id: string, known: boolean}>}
 */
export async function command(station, command) {
  const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const path = `/api/stations/${encodeURIComponent(station)}/commands`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(path, { method: "POST", headers, body: JSON.stringify(command) });
    } catch (error) {
      if (!(error instanceof TypeError) || attempt === 3) throw error;
      await pause(attempt);
    }
  }
}

/** @param {number} seconds */
export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/**
 * Follow the log until the connection ends. Throws as `ask` does.
 * @param {number} after the position to begin behind
 * @param {(events: {position: number, stream: string, version: number, type: string, data: any}[]) => void} told
 * @param {AbortSignal} signal ends it
 */
export async function follow(after, told, signal) {
  for await (const events of pages(await raw(`/api/events?after=${after}`, { signal }))) {
    if (events.length) told(events);
  }
}

/**
 * Yield the events of each part of a stream of server-sent events as it arrives.
 * @param {Response} answer
 */
async function* pages(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    const events = [];
    for (const block of blocks) {
      const line = block.split("\n").find((one) => one.startsWith("data: "));
      if (!line || block.startsWith("event: dropped")) continue;
      events.push(JSON.parse(line.slice(6)));
    }
    yield events;
  }
}
