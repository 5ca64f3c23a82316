// Health at a glance: a few judgements, each with icon, word and reason.
import { byId, el, icon, keyed, setAttr, setIcon, setText } from "./dom.js";
import { bytes, count, duration, rate } from "./format.js";

const sayLagSeconds = 30;

function appliance(s) {
  const words = {
    ready: ["ok", "Ready", `up ${duration(s.uptime_seconds)}`],
    starting: ["half", "Starting", "not yet taking events"],
    recovering: ["half", "Recovering", "replaying the log; events are taken when it is done"],
    stopping: ["warn", "Stopping", "no longer taking events"],
    failed: ["bad", "Failed", s.failure],
  };
  const [level, word, reason] = words[s.readiness] ?? ["warn", s.readiness, ""];
  return { name: "Appliance", level, word, reason: s.failure || reason };
}

function intake(s, before) {
  if (s.ingest.overloaded) return { name: "Intake", level: "bad", word: "Overloaded", reason: "log or dedup window full; producers wait" };
  const limited = before !== null && s.ingest.rate_limit_pauses > before.ingest.rate_limit_pauses;
  if (limited) return { name: "Intake", level: "warn", word: "Rate limited", reason: "a tenant sends more than its rate" };
  const paused = before !== null && s.ingest.backpressure_pauses > before.ingest.backpressure_pauses;
  if (paused) return { name: "Intake", level: "warn", word: "Held back", reason: "a later stage is full" };
  const open = s.ingest.connections.open;
  if (open === 0) return { name: "Intake", level: "none", word: "No producer", reason: s.ingest.address === "" ? "not listening" : `listening on ${s.ingest.address}` };
  return { name: "Intake", level: "ok", word: `${count(open)} connected`, reason: `${bytes(s.ingest.bytes_per_second)}/s` };
}

function regions(s) {
  const configured = s.regions.filter((r) => r.configured);
  if (configured.length === 0) {
    return { name: "Regions", level: "none", word: "No database", reason: "events stay in the log" };
  }
  const open = configured.filter((r) => r.breaker === "open").map((r) => r.name);
  if (open.length > 0) return { name: "Regions", level: "bad", word: `${open.join(", ")} down`, reason: "events wait in the log" };
  const trying = configured.filter((r) => r.breaker === "half_open").map((r) => r.name);
  if (trying.length > 0) return { name: "Regions", level: "half", word: `${trying.join(", ")} probing`, reason: "" };
  const behind = configured.reduce((most, r) => (r.lag_seconds > most.lag_seconds ? r : most));
  if (behind.lag_seconds > sayLagSeconds) {
    return { name: "Regions", level: "warn", word: `${behind.name} behind`, reason: duration(behind.lag_seconds) };
  }
  return { name: "Regions", level: "ok", word: `${configured.length} of ${configured.length} up`, reason: `lag ${duration(behind.lag_seconds)}` };
}

function log(s) {
  const share = s.log.bytes_max > 0 ? s.log.bytes_used / s.log.bytes_max : 0;
  const level = share > 0.95 ? "bad" : share > 0.8 ? "warn" : "ok";
  const percent = share > 0 && share < 0.01 ? "under 1" : Math.round(share * 100);
  return { name: "Log", level, word: `${percent}% full`, reason: level === "ok" ? `${bytes(s.log.bytes_max - s.log.bytes_used)} free` : "intake stops when it is full" };
}

/** A single refusal is said for this long, so that the sign does not flicker. */
const sayRefusalMs = 10000;
let refusedAtMs = -Infinity;

function letters(s) {
  const perSecond = s.events.dead_letters_per_second;
  const now = performance.now();
  if (perSecond > 0) refusedAtMs = now;
  if (now - refusedAtMs < sayRefusalMs) return { name: "Refused", level: "warn", word: `${rate(perSecond)}/s`, reason: `${count(s.events.dead_letters)} since start` };
  if (s.events.dead_letters > 0) return { name: "Refused", level: "info", word: count(s.events.dead_letters), reason: "since start" };
  return { name: "Refused", level: "ok", word: "None", reason: "" };
}

function levels(s) {
  const edges = s.sla.workflows.flatMap((w) => w.edges);
  if (edges.length === 0) return { name: "Deadlines", level: "none", word: "No workflow", reason: "" };
  const missed = edges.reduce((sum, e) => sum + e.missed, 0);
  const pending = edges.reduce((sum, e) => sum + e.pending, 0);
  return missed > 0
    ? { name: "Deadlines", level: "warn", word: `${count(missed)} missed`, reason: `${count(pending)} pending` }
    : { name: "Deadlines", level: "ok", word: "None missed", reason: `${count(pending)} pending` };
}

let before = null;

export function showHealth(s) {
  const judgements = [appliance(s), intake(s, before), regions(s), log(s), letters(s), levels(s)];
  before = s;
  const list = byId("health");
  list.querySelector(".waiting")?.remove();
  keyed(list, judgements, (j) => j.name, () => {
    const sign = icon("none"), name = el("span", { class: "name" }), word = el("strong"), reason = el("span", { class: "reason" });
    const node = el("li", {}, sign, name, word, reason);
    return {
      node,
      update(j) {
        setAttr(node, "data-level", j.level);
        setIcon(sign, j.level);
        setText(name, j.name);
        setText(word, j.word);
        setText(reason, j.reason);
        setAttr(node, "title", j.reason);
      },
    };
  });
  return judgements.some((j) => j.level === "bad") ? "bad" : judgements.some((j) => j.level === "warn") ? "warn" : "ok";
}
