// Intake, pipeline, log and regions.
import { byId, el, emptyState, icon, keyed, leaveEmptyState, setAttr, setIcon, setText } from "./dom.js";
import { bytes, count, duration, exact, latency, latencyParts, rate } from "./format.js";

/** <div><dt>name</dt><dd>…</dd></div>, as a keyed child of a <dl>. */
function pair(entry) {
  const term = el("dt"), value = el("dd");
  return {
    node: el("div", {}, term, value),
    update(e) {
      setText(term, e.name);
      setText(value, e.text);
      setAttr(value, "title", e.title ?? null);
    },
    entry,
  };
}
const pairs = (list, entries) => keyed(list, entries, (e) => e.name, pair);
const counted = (name, n) => ({ name, text: count(n), title: exact(n) });

export function showIntake(s) {
  setText(byId("rate"), rate(s.events.received_per_second));
  pairs(byId("totals"), [
    counted("Received", s.events.received),
    counted("Stored", s.events.stored),
    counted("Duplicates", s.events.duplicates + s.events.resent),
    counted("Refused", s.events.dead_letters),
  ]);
  const timings = [
    { name: "Processing", hint: "last byte read to deadlines judged", at: s.latency.processing },
    { name: "Durable ack", hint: "last byte read to the ack of what is on disk", at: s.latency.ack },
  ];
  keyed(byId("timings"), timings, (t) => t.name, () => {
    const term = el("dt"), figure = el("span"), unit = el("span", { class: "unit" }), median = el("dd", { class: "median" });
    const node = el("div", {}, term, el("dd", { class: "p99" }, figure, unit, el("span", { class: "which" }, "p99")), median);
    return {
      node,
      update(t) {
        const [value, of] = latencyParts(t.at.p99_us);
        setText(term, t.name);
        setAttr(node, "title", t.hint);
        setText(figure, value);
        setText(unit, of);
        setText(median, `p50 ${latency(t.at.p50_us)}`);
      },
    };
  });
}

/** Batches that fit between intake and the slowest stage (kSlabCount); a bar shows how much of it waits. */
const slabs = 64;

export function showPipeline(s) {
  setText(byId("dedup"), `dedup holds ${count(s.dedup.keys)} keys in ${bytes(s.dedup.bytes)}`);
  keyed(byId("pipeline"), s.stages, (stage) => stage.name, () => {
    const name = el("h3"), figure = el("span"), depth = el("dd"), p50 = el("dd"), p99 = el("dd");
    const bar = el("progress", { max: slabs, value: 0, "aria-hidden": "true" });
    const node = el(
      "li", {},
      name,
      el("p", { class: "rate" }, figure, el("span", { class: "unit" }, "/s")),
      el("dl", {}, el("div", {}, el("dt", {}, "p50"), p50), el("div", {}, el("dt", {}, "p99"), p99),
        el("div", { class: "depth" }, el("dt", {}, "waiting"), depth)),
      bar,
    );
    return {
      node,
      update(stage) {
        setText(name, stage.name);
        setText(figure, rate(stage.per_second));
        setAttr(figure, "title", `${exact(stage.events_in)} events since start`);
        setText(p50, latency(stage.p50_us));
        setText(p99, latency(stage.p99_us));
        setText(depth, exact(stage.depth));
        setAttr(node, "data-level", stage.depth >= slabs * 0.75 ? "bad" : stage.depth >= slabs / 4 ? "warn" : "ok");
        setAttr(node, "data-idle", stage.per_second === 0);
        if (bar.value !== stage.depth) bar.value = stage.depth;
      },
    };
  });
}

export function showLog(s) {
  const panel = byId("log");
  const log = s.log;
  if (leaveEmptyState(panel)) {
    panel.append(
      el("div", { class: "space" }, el("p", { class: "space-text" }), el("meter", { min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0, "aria-label": "Log space used" })),
      el("dl", { class: "grid" }),
    );
  }
  const share = log.bytes_max > 0 ? log.bytes_used / log.bytes_max : 0;
  setText(panel.querySelector(".space-text"), `${bytes(log.bytes_used)} of ${bytes(log.bytes_max)}`);
  const meter = panel.querySelector("meter");
  if (Math.abs(meter.value - share) > 0.0005) meter.value = share;
  setAttr(meter, "data-level", share > 0.95 ? "bad" : share > 0.8 ? "warn" : "ok");
  pairs(panel.querySelector("dl"), [
    { name: "Commits", text: `${rate(log.commits_per_second)}/s`, title: `${exact(log.commits)} since start` },
    { name: "Commit p50", text: latency(log.commit.p50_us) },
    { name: "Commit p99", text: latency(log.commit.p99_us) },
    { name: "Appended", text: `${bytes(log.bytes_per_second)}/s` },
    { name: "First sequence", text: exact(log.first_seq) },
    { name: "Next sequence", text: exact(log.next_seq) },
  ]);
  const behind = Math.max(0, log.next_seq - s.sla.applied_seq);
  setText(byId("log-hint"), behind > 100000 ? `engine ${count(behind)} behind` : "durable before any ack");
}

const breakers = {
  closed: ["ok", "Connected"],
  half_open: ["half", "Probing"],
  open: ["bad", "Breaker open"],
};

export function showRegions(s) {
  const list = byId("regions");
  const missing = s.regions.filter((r) => !r.configured).length;
  setText(byId("regions-hint"), missing === 0 ? "one database each, exactly once" : `${missing} without a database: their events stay in the log`);
  if (s.regions.length === 0) {
    emptyState(list, "No regions", "Name them in penstock.toml under [[regions]].");
    return;
  }
  leaveEmptyState(list);
  keyed(list, s.regions, (r) => r.name, () => {
    const name = el("h3"), sign = icon("none"), word = el("span");
    const stored = el("p", { class: "stored" });
    const facts = el("dl", {}), error = el("p", { class: "error" });
    const breaker = el("p", { class: "breaker" }, sign, word);
    const node = el("li", {}, el("div", { class: "top" }, name, breaker), stored, facts, error);
    return {
      node,
      update(r) {
        const [level, text] = r.configured ? breakers[r.breaker] : ["none", "No database"];
        setText(name, r.name);
        setAttr(node, "data-level", level === "ok" && r.lag_seconds > 30 ? "warn" : level);
        setIcon(sign, level);
        setText(word, text);
        setText(stored, r.configured ? count(r.stored) : "–");
        setAttr(stored, "title", r.configured ? `${exact(r.stored)} rows in the region's database` : null);
        const lag = r.waiting === 0 && r.lag_seconds === 0 ? "none" : duration(r.lag_seconds);
        pairs(facts, r.configured
          ? [{ name: "Rows", text: `${rate(r.rows_per_second)}/s` }, { name: "Lag", text: lag }, counted("Waiting", r.waiting)]
          : r.waiting > 0 ? [counted("In the log", r.waiting)] : []);
        setText(error, r.error);
        setAttr(error, "title", r.error || null);
        error.hidden = r.error === "";
      },
    };
  });
}
