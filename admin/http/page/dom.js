// A few helpers to build the document once and then change only what has changed.

export const byId = (id) => document.getElementById(id);

/** el("p", {class: "hint", title: "…"}, "text", node, …) */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const svgSpace = "http://www.w3.org/2000/svg";

/** An icon of the sprite in index.html; it decorates a text beside it. */
export function icon(name) {
  const svg = document.createElementNS(svgSpace, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svgSpace, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(svg, name) {
  const href = `#i-${name}`;
  const use = svg.firstElementChild;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

/**
 * Makes `parent` hold one child per item, in order, reusing the child that an item's key had before.
 * `create(item)` answers {node, update(item)}.
 */
export function keyed(parent, items, keyOf, create) {
  const had = parent.keyedChildren ?? new Map();
  const has = new Map();
  for (const item of items) {
    const key = keyOf(item);
    let child = had.get(key);
    if (child === undefined) child = create(item);
    child.update(item);
    has.set(key, child);
  }
  parent.keyedChildren = has;
  const nodes = [...has.values()].map((child) => child.node);
  let same = parent.children.length === nodes.length;
  for (let i = 0; same && i < nodes.length; ++i) same = parent.children[i] === nodes[i];
  if (!same) parent.replaceChildren(...nodes);
}

/** A panel's content when there is nothing to show: what it means, and what to do. */
export function emptyState(parent, title, advice) {
  const key = `${title}|${advice}`;
  if (parent.emptyKey === key) return;
  parent.emptyKey = key;
  parent.keyedChildren = undefined;
  parent.replaceChildren(el("div", { class: "empty" }, el("p", {}, title), el("p", { class: "advice" }, advice)));
}

/** Undoes emptyState; answers whether the content has to be built anew. */
export function leaveEmptyState(parent) {
  const built = parent.emptyKey === undefined && parent.childElementCount > 0;
  if (parent.emptyKey !== undefined) {
    parent.emptyKey = undefined;
    parent.replaceChildren();
  }
  return !built;
}
