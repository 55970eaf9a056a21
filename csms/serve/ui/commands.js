// What an operator asks for, in the words of the version a station speaks. The server checks all of it again.

/** @typedef {{action: string, payload: object}} Command */

const V16 = {
  unlock: (evse) => ({ action: "UnlockConnector", payload: { connectorId: evse } }),
  start: (evse, idTag) => ({ action: "RemoteStartTransaction", payload: { connectorId: evse, idTag } }),
  stop: (id) => ({ action: "RemoteStopTransaction", payload: { transactionId: Number(id) } }),
  reset: (hard) => ({ action: "Reset", payload: { type: hard ? "Hard" : "Soft" } }),
  availability: (evse, operative) => ({
    action: "ChangeAvailability", payload: { connectorId: evse, type: operative ? "Operative" : "Inoperative" },
  }),
  trigger: (requestedMessage) => ({ action: "TriggerMessage", payload: { requestedMessage } }),
  messages: [
    "StatusNotification", "MeterValues", "Heartbeat", "BootNotification",
    "DiagnosticsStatusNotification", "FirmwareStatusNotification",
  ],
  resets: [["Soft", false], ["Hard", true]],
};

const V201 = {
  unlock: (evseId, connectorId) => ({ action: "UnlockConnector", payload: { evseId, connectorId } }),
  start: (evseId, idToken) => ({
    action: "RequestStartTransaction", payload: { evseId, idToken: { idToken, type: "ISO14443" } },
  }),
  stop: (transactionId) => ({ action: "RequestStopTransaction", payload: { transactionId } }),
  reset: (hard) => ({ action: "Reset", payload: { type: hard ? "Immediate" : "OnIdle" } }),
  availability: (evse, operative) => ({
    action: "ChangeAvailability",
    payload: { operationalStatus: operative ? "Operative" : "Inoperative", ...(evse ? { evse: { id: evse } } : {}) },
  }),
  trigger: (requestedMessage) => ({ action: "TriggerMessage", payload: { requestedMessage } }),
  messages: [
    "StatusNotification", "TransactionEvent", "MeterValues", "Heartbeat", "BootNotification",
    "LogStatusNotification", "FirmwareStatusNotification",
  ],
  resets: [["On idle", false], ["Immediate", true]],
};

/** @param {string} protocol the WebSocket subprotocol, as `ocpp1.6` */
export const wordsOf = (protocol) => (protocol.startsWith("ocpp2") ? V201 : V16);

/** What a command's state means for the person who asked. */
export const MEANS = {
  requested: "sent, the answer is awaited",
  accepted: "the station said yes",
  rejected: "the station said no",
  "in-doubt": "no answer came: neither done nor not done until evidence settles it; it is not sent again",
  confirmed: "evidence shows that it happened",
  refuted: "evidence shows that it did not happen",
  unknown: "no evidence can be had any more: a person decides",
  lapsed: "accepted, and nothing came of it",
  closed: "closed by hand",
};

/** @param {string} state a command's, as the API names it */
export const shown = (state) => state.replace("-", " ");
