// Joins the live stream to the panels.
import { byId, setAttr, setText } from "./dom.js";
import { resetEvents, showLetters, takeEvents, wireEvents } from "./events.js";
import { showIntake, showLog, showPipeline, showRegions } from "./flow.js";
import { count, dateOf, duration, moment, rate, utcTitle } from "./format.js";
import { showHealth } from "./health.js";
import { Live } from "./live.js";
import { showMissed, showServiceLevels } from "./sla.js";
import { Trend } from "./trend.js";

const root = document.documentElement;
const trend = new Trend(byId("trend"), byId("trend-text"));
let last = null; // the last message
let drawing = false;
let logId = null;

function draw() {
  drawing = false;
  const s = last.status;
  setAttr(root, "data-limited", String(s.limited));
  setText(byId("facts"), `v${s.version}, up ${duration(s.uptime_seconds)}`);
  if (s.limited) return; // totals are for who sees all regions and tenants
  const health = showHealth(s);
  showIntake(s);
  showPipeline(s);
  showLog(s);
  showRegions(s);
  showServiceLevels(s);
  showMissed(s);
  showLetters(s);
  setText(byId("foot-facts"), `Log ${s.log_id}, ${s.ingest.address === "" ? "no intake now" : `intake ${s.ingest.address} by ${s.ingest.backend}`}, ${count(s.ingest.producers)} named producers, ` +
    `${count(s.http.stream_clients)} watching`);
  const sign = health === "bad" ? "✕ " : health === "warn" ? "! " : "";
  document.title = `${sign}${rate(s.events.received_per_second)}/s · Penstock`;
}

function onMessage(message) {
  const s = message.status;
  // A page of another build would misread the figures; the guard stops a loop should a proxy serve an old page.
  if (s.build !== root.dataset.build && sessionStorage.getItem("penstock.reloaded") !== s.build) {
    sessionStorage.setItem("penstock.reloaded", s.build);
    location.reload();
    return;
  }
  if (message.kind === "hello") {
    if (logId !== null && logId !== s.log_id) resetEvents();
    logId = s.log_id;
    if (message.trend) trend.reset(message.trend.points);
  }
  last = message;
  if (!s.limited) trend.add(dateOf(s.sampled).getTime() / 1000, s.events.received_per_second, s.events.stored_per_second, s.events.dead_letters_per_second);
  takeEvents(message);
  if (!drawing) {
    drawing = true;
    // Not drawn while hidden; frames come again, with the newest message, when the tab is looked at.
    requestAnimationFrame(draw);
  }
}

function onState(state, { ageMs, retryInMs, attempts }) {
  setAttr(root, "data-link", state);
  const notice = byId("notice");
  if (state === "live") {
    notice.hidden = true;
    setText(byId("link-text"), "Live");
    return;
  }
  const next = retryInMs === null ? "Trying again…" : retryInMs < 1000 ? "Trying again now." : `Trying again in ${Math.round(retryInMs / 1000)} s.`;
  if (state === "connecting") {
    setText(byId("link-text"), "Connecting…");
    notice.hidden = attempts < 2;
    setText(byId("notice-text"), `The appliance does not answer. Is it running? ${next}`);
    return;
  }
  const asOf = moment(dateOf(last.status.now));
  setText(byId("link-text"), `As of ${asOf}`);
  setAttr(byId("link-text"), "title", utcTitle(last.status.now));
  notice.hidden = false;
  setText(byId("notice-text"), `Not connected. The figures are as of ${asOf}, ${duration(Math.round(ageMs / 1000))} ago. ${next}`);
  document.title = `Not connected · Penstock`;
}

// --- Theme: system, then the other one, then back to the system's ---------------------------------

const systemDark = matchMedia("(prefers-color-scheme: dark)");
function showTheme() {
  const chosen = root.dataset.theme ?? "system";
  setText(byId("theme-text"), { system: "Auto", dark: "Dark", light: "Light" }[chosen]);
  setAttr(byId("theme"), "title", "Colours: automatic, dark or light");
  setAttr(byId("theme"), "aria-label", `${byId("theme-text").textContent}: change the colours`);
  trend.draw();
}
byId("theme").addEventListener("click", () => {
  const opposite = systemDark.matches ? "light" : "dark";
  const same = systemDark.matches ? "dark" : "light";
  const next = { undefined: opposite, [opposite]: same, [same]: undefined }[root.dataset.theme];
  if (next === undefined) delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    if (next === undefined) localStorage.removeItem("penstock.theme");
    else localStorage.setItem("penstock.theme", next);
  } catch {
    // Not remembered, but shown.
  }
  showTheme();
});
showTheme();

wireEvents();
const url = new URL("/api/v1/stream", location.href);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const live = new Live(url, onMessage, onState);
byId("retry").addEventListener("click", () => live.retryNow());
