// The connection to the live stream: reconnects with growing pauses, and knows when what it has is old.

const pausesMs = [300, 700, 1500, 3000, 6000, 10000, 15000];
/** Pushes come twice a second; after this long without one the figures are no longer called live. */
const staleAfterMs = 2500;
/** A connection that says nothing this long is given up. */
const giveUpAfterMs = 8000;

export class Live {
  #socket = null;
  #attempt = 0;
  #lastMessageMs = 0;
  #retryTimer = 0;
  #retryAtMs = 0;
  #openedMs = 0;
  #state = "connecting";

  /** onMessage(message); onState("connecting" | "live" | "stale", {ageMs, retryInMs}) */
  constructor(url, onMessage, onState) {
    this.url = url;
    this.onMessage = onMessage;
    this.onState = onState;
    setInterval(() => this.#watch(), 500);
    // After sleep or in a tab that comes back, the truth is told at once, not at the next timer.
    document.addEventListener("visibilitychange", () => this.#watch());
    addEventListener("online", () => this.retryNow());
    this.#open();
  }

  retryNow() {
    if (this.#state === "live") return;
    this.#attempt = 0;
    this.#open();
  }

  #open() {
    clearTimeout(this.#retryTimer);
    this.#retryAtMs = 0;
    this.#drop();
    this.#openedMs = performance.now();
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#attempt = 0;
      this.#lastMessageMs = performance.now();
      this.#set("live");
      this.onMessage(JSON.parse(event.data));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#later();
      this.#set(this.#lastMessageMs === 0 ? "connecting" : "stale");
    };
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) socket.close();
  }

  #later() {
    const pause = pausesMs[Math.min(this.#attempt++, pausesMs.length - 1)];
    const jittered = pause * (0.75 + Math.random() / 2);
    this.#retryAtMs = performance.now() + jittered;
    this.#retryTimer = setTimeout(() => this.#open(), jittered);
  }

  #watch() {
    const now = performance.now();
    if (this.#socket !== null) {
      const quietMs = now - Math.max(this.#lastMessageMs, this.#openedMs);
      if (quietMs > giveUpAfterMs) {
        this.#drop();
        this.#later();
      }
    }
    if (this.#lastMessageMs !== 0 && now - this.#lastMessageMs > staleAfterMs) {
      this.#set("stale", true);
    } else if (this.#state !== "live") {
      this.#set(this.#state, true);
    }
  }

  #set(state, always = false) {
    if (state === this.#state && !always) return;
    this.#state = state;
    const now = performance.now();
    this.onState(state, {
      ageMs: this.#lastMessageMs === 0 ? null : now - this.#lastMessageMs,
      retryInMs: this.#retryAtMs === 0 ? null : Math.max(0, this.#retryAtMs - now),
      attempts: this.#attempt,
    });
  }
}
