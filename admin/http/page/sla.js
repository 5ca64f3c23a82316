// Service levels: the edges of each workflow, and the deadlines that passed last.
import { byId, el, emptyState, keyed, leaveEmptyState, setAttr, setText } from "./dom.js";
import { count, dateOf, duration, exact, moment, utcTitle } from "./format.js";

const outcomes = ["met", "late", "missed", "pending"];

function edgeRow() {
  const from = el("span"), to = el("span"), within = el("td", { class: "within", "data-name": "within" });
  const parts = Object.fromEntries(outcomes.map((o) => [o, el("i", { class: o })]));
  const cells = Object.fromEntries(outcomes.map((o) => [o, el("td", { class: `number ${o}`, "data-name": o })]));
  const arrow = el("span", { class: "to" }, "→");
  const node = el(
    "tr", {},
    el("th", { scope: "row" }, from, " ", arrow, " ", to),
    within,
    el("td", { class: "share", "aria-hidden": "true" }, el("div", { class: "stack" }, ...Object.values(parts))),
    ...Object.values(cells),
  );
  return {
    node,
    update(edge) {
      setText(from, edge.from);
      setText(to, edge.to);
      setText(within, duration(edge.within_ms / 1000));
      const total = outcomes.reduce((sum, o) => sum + edge[o], 0);
      for (const o of outcomes) {
        setText(cells[o], count(edge[o]));
        setAttr(cells[o], "title", exact(edge[o]));
        setAttr(cells[o], "data-some", edge[o] > 0);
        const share = total === 0 ? 0 : (edge[o] / total) * 100;
        // A single missed one among millions must still be seen.
        parts[o].style.flexGrow = edge[o] === 0 ? "0" : String(Math.max(share, 1.2));
        parts[o].hidden = edge[o] === 0;
      }
    },
  };
}

function workflowTable(workflow) {
  const name = el("caption");
  const body = el("tbody");
  const head = el(
    "thead", {},
    el("tr", {}, el("th", { scope: "col" }, "Edge"), el("th", { scope: "col", class: "within" }, "Within"),
      el("th", { class: "share", "aria-hidden": "true" }),
      ...outcomes.map((o) => el("th", { scope: "col", class: `number ${o}` }, el("i", { class: `key ${o}`, "aria-hidden": "true" }), o))),
  );
  return {
    node: el("table", { class: "edges" }, name, head, body),
    update(w) {
      setText(name, w.name);
      keyed(body, w.edges, (e) => `${e.from}\n${e.to}`, edgeRow);
    },
    workflow,
  };
}

export function showServiceLevels(s) {
  const panel = byId("sla");
  if (s.sla.workflows.length === 0) {
    setText(byId("sla-hint"), "");
    emptyState(panel, "No workflow is watched", "List workflow files in penstock.toml under [sla] workflows.");
    return;
  }
  leaveEmptyState(panel);
  if (s.sla.hold !== null) {
    const whom = s.sla.hold.awaited.map((p) => (p.endsWith("/") ? `${p.slice(0, -1)}'s unnamed senders` : p)).join(", ");
    setText(byId("sla-hint"), `Restarted: deadlines wait for ${whom}, at most until ${moment(dateOf(s.sla.hold.until))}`);
    keyed(panel, s.sla.workflows, (w) => w.name, workflowTable);
    return;
  }
  const retracted = s.sla.retracted > 0 ? `, ${count(s.sla.retracted)} taken back` : "";
  setText(byId("sla-hint"), `${count(s.sla.instances)} in flight, ${count(s.sla.timers)} deadlines armed${retracted}`);
  keyed(panel, s.sla.workflows, (w) => w.name, workflowTable);
}

export function showMissed(s) {
  const panel = byId("missed");
  if (s.sla.recent_missed.length === 0) {
    emptyState(panel, "None missed", s.sla.workflows.length === 0 ? "No workflow is watched." : "Every deadline so far was met, or is still to come.");
    return;
  }
  if (leaveEmptyState(panel)) panel.append(el("ul", { class: "missed", tabindex: "0", "aria-label": "Missed deadlines" }));
  const now = dateOf(s.now);
  keyed(panel.firstElementChild, s.sla.recent_missed.slice(0, 20), (m) => `${m.workflow}\n${m.from}\n${m.to}\n${m.key}\n${m.deadline}`, (m) => {
    const deadline = dateOf(m.deadline);
    const ago = el("span", { class: "ago" });
    const node = el(
      "li", {},
      el("p", { class: "key" }, m.key),
      el("time", { datetime: m.deadline, title: utcTitle(m.deadline) }, moment(deadline)),
      el("p", { class: "edge" }, `${m.workflow}: ${m.from} → ${m.to}`),
      ago,
    );
    return { node, update: () => setText(ago, `${duration((now - deadline) / 1000)} ago`) };
  });
}
