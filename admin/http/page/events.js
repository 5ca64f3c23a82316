// The last events, dead letters by cause, and the dialog that shows one event or the newest dead letters.
import { byId, el, emptyState, keyed, leaveEmptyState, setAttr, setIcon, setText } from "./dom.js";
import { bytes, count, dateOf, exact, indentJson, moment, timeOfDayMs, utcTitle } from "./format.js";

/** "bad_json" is a stable name for machines; this is it for people. */
const spoken = (cause) => cause.replaceAll("_", " ").replace("json", "JSON").replace("utf8", "UTF-8").replace("flatbuffer", "FlatBuffers");

const rowsMax = 40;
/** Of a flood only a few are taken from each push, so that the list moves at a pace that eyes can follow. */
const rowsPerPushOfFlood = 3;

let rows = [];        // newest first
let newest = 0;       // highest sequence shown or counted
let pausedByUser = false;
let heldBack = 0;     // events that came in while paused
let waitingRows = []; // newest first, while paused
let hint = "";        // what part of the stream the rows are

function readingNow() {
  const list = byId("events");
  if (list.matches(":hover") || list.contains(document.activeElement)) return true;
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && list.contains(selection.anchorNode);
}

export function resetEvents() {
  rows = [];
  newest = 0;
  heldBack = 0;
  waitingRows = [];
}

export function takeEvents(message) {
  const fresh = message.events.filter((e) => e.seq > newest);
  if (fresh.length > 0) newest = fresh[0].seq;
  const flood = message.events_skipped > 0;
  const taken = flood ? fresh.slice(0, rowsPerPushOfFlood) : fresh;
  const arrived = fresh.length + message.events_skipped;
  if (pausedByUser || readingNow()) {
    heldBack += arrived;
    waitingRows = [...taken, ...waitingRows].slice(0, rowsMax);
  } else {
    rows = [...taken, ...waitingRows, ...rows].slice(0, rowsMax);
    heldBack = 0;
    waitingRows = [];
  }
  if (arrived > 0) hint = arrived > taken.length ? `a sample, ${taken.length} of ${count(arrived)}` : "";
  draw();
}

function draw() {
  const paused = pausedByUser || heldBack > 0;
  setText(byId("events-hint"), paused && heldBack > 0 ? `paused, ${count(heldBack)} new` : hint);
  const button = byId("events-pause");
  setAttr(button, "aria-pressed", String(pausedByUser));
  setIcon(button.firstElementChild, pausedByUser ? "play" : "pause");
  setText(button.lastElementChild, pausedByUser ? "Go on" : "Pause");
  const panel = byId("events");
  if (rows.length === 0) {
    emptyState(panel, "No events yet", "Send some: penstock generate 1000, or nc localhost 7400 < events.ndjson.");
    return;
  }
  if (leaveEmptyState(panel)) {
    const names = ["Received", "Type", "Subject", "Region", "Tenant", "Severity", "Sequence"];
    panel.append(el("table", { class: "events" },
      el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col", class: name.toLowerCase() }, name)))),
      el("tbody")));
  }
  keyed(panel.querySelector("tbody"), rows, (e) => e.seq, eventRow);
}

function eventRow(e) {
  const open = el("button", { type: "button", class: "plain", title: utcTitle(e.received) }, timeOfDayMs(dateOf(e.received)));
  open.addEventListener("click", () => showEvent(e.seq));
  const node = el("tr", {},
    el("td", { class: "received" }, open),
    el("td", { class: "type", title: e.type }, e.type ?? "damaged"),
    el("td", { class: "subject", title: e.subject }, e.subject ?? "–"),
    el("td", { class: "region" }, e.region),
    el("td", { class: "tenant" }, e.tenant),
    el("td", { class: "severity" }, e.severity === undefined ? "–" : String(e.severity)),
    el("td", { class: "sequence" }, exact(e.seq)));
  return { node, update() {} };
}

export function showLetters(s) {
  const panel = byId("letters");
  byId("letters-show").hidden = s.dead_letters.length === 0;
  if (s.dead_letters.length === 0) {
    emptyState(panel, "None", "Every event that came in was well formed.");
    return;
  }
  if (leaveEmptyState(panel)) panel.append(el("ul", { class: "letters" }));
  const sorted = [...s.dead_letters].sort((a, b) => b.count - a.count);
  const most = sorted[0].count;
  keyed(panel.firstElementChild, sorted, (d) => d.cause, (d) => {
    const number = el("strong"), bar = el("progress", { "aria-hidden": "true" });
    const node = el("li", {}, el("p", { class: "cause" }, spoken(d.cause)), number, bar, el("p", { class: "help" }, d.help));
    return {
      node,
      update(item) {
        setText(number, count(item.count));
        setAttr(number, "title", exact(item.count));
        setAttr(bar, "max", most);
        setAttr(bar, "value", item.count);
      },
    };
  });
}

// --- The dialog ---------------------------------------------------------------------------------

function openDialog(title) {
  setText(byId("dialog-title"), title);
  const body = byId("dialog-body");
  body.replaceChildren(el("p", { class: "advice" }, "Loading…"));
  byId("dialog").showModal();
  return body;
}

/** The answer as text and as what it says. */
async function fetchJson(url) {
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  const text = await answer.text();
  const body = JSON.parse(text);
  if (!answer.ok) throw new Error(`${body.title}: ${body.detail}`);
  return { text, body };
}

function failed(body, error) {
  body.replaceChildren(el("div", { class: "empty" }, el("p", {}, "It could not be loaded"), el("p", { class: "advice" }, error.message)));
}

async function showEvent(seq) {
  const body = openDialog(`Event ${exact(seq)}`);
  try {
    const { text, body: item } = await fetchJson(`/api/v1/events/${seq}`);
    body.replaceChildren(
      el("dl", { class: "grid" },
        ...[["Received", moment(dateOf(item.received))], ["In UTC", utcTitle(item.received).replace(/ \(.*/, "")],
          ["Tenant", item.tenant], ["Region", item.region]]
          .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
      el("pre", {}, indentJson(text)));
  } catch (error) {
    failed(body, error);
  }
}

async function showNewestLetters() {
  const body = openDialog("Newest dead letters");
  try {
    const { body: page } = await fetchJson("/api/v1/deadletters?limit=20");
    if (page.items.length === 0) {
      body.replaceChildren(el("div", { class: "empty" }, el("p", {}, "None in the part of the log that was looked through"),
        el("p", { class: "advice" }, "Older ones may have gone with retention; /api/v1/deadletters pages further back.")));
      return;
    }
    body.replaceChildren(el("ul", { class: "letter-list" }, ...page.items.map((d) => el("li", {},
      el("p", { class: "cause" }, spoken(d.cause ?? "damaged")),
      el("time", { datetime: d.received, title: utcTitle(d.received) }, timeOfDayMs(dateOf(d.received))),
      el("p", {}, d.detail || d.help || ""),
      el("p", { class: "advice" }, [d.peer && `from ${d.peer}`, d.producer && `producer ${d.producer}`, `item ${exact(d.position)}`,
        `${bytes(d.whole_bytes)}${d.raw_truncated ? ", cut here" : ""}`].filter(Boolean).join(", ")),
      el("pre", {}, d.raw ?? `base64: ${d.raw_base64}`)))));
  } catch (error) {
    failed(body, error);
  }
}

export function wireEvents() {
  byId("events-pause").addEventListener("click", () => {
    pausedByUser = !pausedByUser;
    takeEvents({ events: [], events_skipped: 0 }); // shows at once what was held back
  });
  byId("letters-show").addEventListener("click", showNewestLetters);
  byId("dialog-close").addEventListener("click", () => byId("dialog").close());
  byId("dialog").addEventListener("click", (event) => {
    if (event.target === byId("dialog")) byId("dialog").close();
  });
}
