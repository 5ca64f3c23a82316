// The curve of events in: drawn on a canvas, once a second and when the pointer moves over it.
import { axis, exact, timeOfDay } from "./format.js";
import { setAttr, setText } from "./dom.js";

const spanSeconds = 300;

/** A number at least `n` that is round, and whose half is. */
function niceCeiling(n) {
  if (n <= 10) return 10;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10]) if (step * power >= n) return step * power;
  return 10 * power;
}

export class Trend {
  #canvas;
  #caption;
  #points = []; // {at: unix seconds, received, stored, refused}
  #hoverX = null;
  #ceiling = 10;

  constructor(canvas, caption) {
    this.#canvas = canvas;
    this.#caption = caption;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("pointermove", (event) => {
      this.#hoverX = event.offsetX;
      this.draw();
    });
    canvas.addEventListener("pointerleave", () => {
      this.#hoverX = null;
      this.draw();
    });
  }

  reset(points) {
    this.#points = points.map(([at, received, stored, refused]) => ({ at, received, stored, refused }));
    this.draw();
  }

  /** Called with every push; keeps one point a second. */
  add(at, received, stored, refused) {
    const last = this.#points.at(-1);
    if (last !== undefined && at - last.at < 0.95) return;
    this.#points.push({ at, received, stored, refused });
    while (this.#points.length > 0 && this.#points[0].at < at - spanSeconds - 2) this.#points.shift();
    this.draw();
  }

  #describe() {
    if (this.#points.length < 2) return;
    const values = this.#points.map((p) => p.received);
    const text =
      `Events in each second over the last ${Math.round((this.#points.at(-1).at - this.#points[0].at) / 60)} minutes: ` +
      `lowest ${exact(Math.min(...values))}, highest ${exact(Math.max(...values))}, now ${exact(values.at(-1))}`;
    // A reader is not interrupted each second for it; it is there when asked.
    if (Math.floor(this.#points.at(-1).at) % 10 === 0) {
      setText(this.#caption, text);
      setAttr(this.#canvas, "aria-label", text);
    }
  }

  draw() {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (width === 0 || height === 0) return;
    const pixelWidth = Math.round(width * ratio), pixelHeight = Math.round(height * ratio);
    if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
      canvas.width = pixelWidth;
      canvas.height = pixelHeight;
    }
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    const fontSize = parseFloat(style.fontSize) || 11;
    g.font = `${fontSize}px ${style.fontFamily}`;

    const box = { left: 0, right: width - fontSize * 3.8, top: 6, bottom: height - fontSize - 9 };
    const peak = this.#points.reduce((most, p) => Math.max(most, p.received), 0);
    const wanted = niceCeiling(peak * 1.08);
    // The scale follows a rise at once, and a fall only when it is clear: a scale that breathes is unreadable.
    if (wanted > this.#ceiling || wanted < this.#ceiling * 0.6) this.#ceiling = wanted;
    const end = this.#points.at(-1)?.at ?? 0;
    const x = (at) => box.right - ((end - at) / spanSeconds) * (box.right - box.left);
    const y = (value) => box.bottom - (value / this.#ceiling) * (box.bottom - box.top);

    g.strokeStyle = color("--line");
    g.fillStyle = color("--faint");
    g.lineWidth = 1;
    g.textAlign = "left";
    g.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      const at = Math.round(y(this.#ceiling * part)) + 0.5;
      g.beginPath();
      g.moveTo(box.left, at);
      g.lineTo(box.right, at);
      g.stroke();
      g.fillText(axis(this.#ceiling * part), box.right + 8, Math.max(at, fontSize / 2 + 1));
    }
    g.textBaseline = "alphabetic";
    const labels = width > 420 ? [300, 240, 180, 120, 60] : [300, 180, 60];
    for (const seconds of labels) {
      g.textAlign = seconds === spanSeconds ? "left" : "center";
      g.fillText(`−${seconds / 60} min`, x(end - seconds), height - 3);
    }
    g.textAlign = "right";
    g.fillText("now", box.right, height - 3);

    const shown = this.#points.filter((p) => p.at >= end - spanSeconds);
    if (shown.length >= 2) this.#curve(g, shown, x, y, box, color);
    if (this.#hoverX !== null && shown.length >= 2) this.#pointer(g, shown, x, y, box, color, fontSize);
    this.#describe();
  }

  #curve(g, shown, x, y, box, color) {
    const path = () => {
      g.beginPath();
      shown.forEach((p, i) => (i === 0 ? g.moveTo(x(p.at), y(p.received)) : g.lineTo(x(p.at), y(p.received))));
    };
    path();
    g.lineTo(x(shown.at(-1).at), box.bottom);
    g.lineTo(x(shown[0].at), box.bottom);
    g.closePath();
    const fill = g.createLinearGradient(0, box.top, 0, box.bottom);
    fill.addColorStop(0, color("--curve-fill"));
    fill.addColorStop(1, color("--curve-fade"));
    g.fillStyle = fill;
    g.fill();
    path();
    g.strokeStyle = color("--accent");
    g.lineWidth = 1.75;
    g.lineJoin = "round";
    g.stroke();
    g.beginPath();
    g.arc(x(shown.at(-1).at), y(shown.at(-1).received), 3, 0, 2 * Math.PI);
    g.fillStyle = color("--accent");
    g.fill();
  }

  #pointer(g, shown, x, y, box, color, fontSize) {
    let near = shown[0];
    for (const p of shown) if (Math.abs(x(p.at) - this.#hoverX) < Math.abs(x(near.at) - this.#hoverX)) near = p;
    const at = Math.round(x(near.at)) + 0.5;
    g.strokeStyle = color("--strong-line");
    g.beginPath();
    g.moveTo(at, box.top);
    g.lineTo(at, box.bottom);
    g.stroke();
    g.beginPath();
    g.arc(at, y(near.received), 3.5, 0, 2 * Math.PI);
    g.fillStyle = color("--accent");
    g.fill();
    const lines = [timeOfDay(new Date(near.at * 1000)), `${exact(near.received)} in`, `${exact(near.stored)} stored`];
    if (near.refused > 0) lines.push(`${exact(near.refused)} refused`);
    const boxWidth = Math.max(...lines.map((line) => g.measureText(line).width)) + 16;
    const boxHeight = lines.length * (fontSize + 5) + 9;
    const left = at + 10 + boxWidth > box.right ? at - 10 - boxWidth : at + 10;
    g.fillStyle = color("--raised");
    g.strokeStyle = color("--strong-line");
    g.beginPath();
    g.roundRect(left, box.top + 2, boxWidth, boxHeight, 6);
    g.fill();
    g.stroke();
    g.textAlign = "left";
    g.textBaseline = "top";
    lines.forEach((line, i) => {
      g.fillStyle = color(i === 0 ? "--muted" : "--text");
      g.fillText(line, left + 8, box.top + 9 + i * (fontSize + 5));
    });
  }
}
