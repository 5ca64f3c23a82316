// Numbers, sizes and times as people read them. A no-break space stands before every unit.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const NBSP = "\u00a0";

/** Exact up to ten millions, then "118.2M"; the exact figure belongs into a title. */
export const count = (n) => (Math.abs(n) < 1e7 ? whole.format(n) : compact.format(n));
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
export const axis = (n) => short.format(n);
export const exact = (n) => whole.format(n);
export const rate = (n) => (n > 0 && n < 10 ? oneDigit.format(n) : count(n));

const threeDigits = (n) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));

/** Microseconds as [figure, unit]; null where nothing was measured. */
export function latencyParts(us) {
  if (us === null || us === undefined) return ["–", ""];
  if (us < 1000) return [threeDigits(us), "µs"];
  if (us < 1e6) return [threeDigits(us / 1e3), "ms"];
  return [threeDigits(us / 1e6), "s"];
}
export function latency(us) {
  const [figure, unit] = latencyParts(us);
  return unit === "" ? figure : figure + NBSP + unit;
}

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024;
    ++i;
  }
  return (i === 0 ? whole.format(n) : threeDigits(n)) + NBSP + units[i];
}

/** The two largest units that matter: "1 d 2 h", "4 min 10 s", "0.4 s". */
export function duration(seconds) {
  if (seconds < 10) return oneDigit.format(Math.max(0, seconds)) + NBSP + "s";
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => n + NBSP + unit)
    .join(" ");
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const clockMs = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const dayYear = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

/** The appliance writes nanoseconds; Date knows milliseconds. */
export const dateOf = (iso) => new Date(iso.replace(/(\.\d{3})\d*/, "$1"));

export const timeOfDay = (date) => clock.format(date);
export const timeOfDayMs = (date) => clockMs.format(date);

/** Time of day; with the date where it is not today's. */
export function moment(date) {
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return clock.format(date);
  return (date.getFullYear() === now.getFullYear() ? day : dayYear).format(date) + ", " + clock.format(date);
}
/** For a title: the instant in UTC, as the appliance wrote it. */
export const utcTitle = (iso) => iso.replace("T", " ").replace("Z", " UTC") + (zone === "UTC" ? "" : ` (shown in ${zone})`);

/** Indents JSON text without reading its numbers: a 64-bit id must not be rounded on its way to the eye. */
export function indentJson(text) {
  let out = "", depth = 0, inString = false;
  for (let i = 0; i < text.length; ++i) {
    const c = text[i];
    if (inString) {
      out += c;
      if (c === "\\") out += text[++i] ?? "";
      else if (c === '"') inString = false;
    } else if (c === '"') {
      inString = true;
      out += c;
    } else if (c === "{" || c === "[") {
      const closing = /^\s*[}\]]/.exec(text.slice(i + 1, i + 64));
      if (closing !== null) {
        out += c + closing[0].trim();
        i += closing[0].length;
      } else {
        out += c + "\n" + "  ".repeat(++depth);
      }
    } else if (c === "}" || c === "]") {
      out += "\n" + "  ".repeat(--depth) + c;
    } else if (c === ",") {
      out += c + "\n" + "  ".repeat(depth);
    } else if (c === ":") {
      out += ": ";
    } else if (!/\s/.test(c)) {
      out += c;
    }
  }
  return out;
}
