// The WebSocket to the loop: opens it again when it is lost, and rests while nobody looks at the page.

const SEEN = "seen", HERE = "here";
const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 8000;
const SILENCE_MS = 5000; // figures come twice a second; without any, the line is dead whatever it says
const HIDDEN_MS = 3000;
const GOING_AWAY = 1001;

export class Connection {
  /** `on` has hello(data), figures(data), picture(picture) and lost(why); each may be async. */
  constructor(on) {
    this.on = on;
    this.open = false;
    this.wait = FIRST_WAIT_MS;
    document.addEventListener("visibilitychange", () => this.#looked());
    window.addEventListener("online", () => this.#retry());
    setInterval(() => this.#listen(), 1000);
    this.#looked();
  }

  #connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => {
      this.ended ||= event.code === GOING_AWAY;
      this.#lost();
    };
    this.socket = socket;
    this.heard = performance.now();
    this.queued = null;
  }

  #take(data) {
    this.heard = performance.now();
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.kind === "hello") {
        this.open = true;
        this.ended = false;
        this.wait = FIRST_WAIT_MS;
      }
      this.on[message.kind]?.(message);
      this.#answer(HERE);
      return;
    }
    if (this.queued) this.#answer(SEEN); // skipped for a newer one
    this.queued = data;
    if (!this.busy) this.#show();
  }

  async #show() {
    this.busy = true;
    while (this.queued) {
      const [data, socket] = [this.queued, this.socket];
      this.queued = null;
      try {
        await this.on.picture(await unpack(data));
      } catch (error) {
        console.warn("a picture was left out:", error.message);
      }
      if (socket === this.socket) this.#answer(SEEN);
    }
    this.busy = false;
  }

  #answer(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  #drop() {
    if (!this.socket) return;
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  async #lost() {
    const wasOpen = this.open;
    this.open = false;
    this.#drop();
    if (document.hidden) return;
    this.timer = setTimeout(() => this.#connect(), this.wait * (0.8 + 0.4 * Math.random()));
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
    const gone = this.ended ? "The loop has ended; waiting for the next one." : "No connection to the board; trying again.";
    this.on.lost(wasOpen ? gone : await refusal() ?? gone);
  }

  #retry() {
    if (this.socket || document.hidden) return;
    this.wait = FIRST_WAIT_MS;
    this.#connect();
  }

  #listen() {
    if (this.socket && performance.now() - this.heard > SILENCE_MS) this.#lost();
  }

  #looked() {
    clearTimeout(this.rest);
    if (!document.hidden) this.#retry();
    else this.rest = setTimeout(() => { this.open = false; clearTimeout(this.timer); this.#drop(); }, HIDDEN_MS);
  }
}

/** What a server that is there says against this page, such as a wrong token; null where there is none. */
async function refusal() {
  try {
    const answer = await fetch("/ws");
    return [401, 403, 503].includes(answer.status) ? (await answer.text()).trim() : null;
  } catch {
    return null;
  }
}

/** A binary message: {index, age_ms, width, height, labels, jpeg, bitmap}; width and height are the label map's. */
async function unpack(data) {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const jpeg = new Blob([new Uint8Array(data, 4 + length, header.jpeg)], { type: "image/jpeg" });
  const packed = new Blob([new Uint8Array(data, 4 + length + header.jpeg, header.map)]);
  const inflated = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  const [bitmap, labels] = await Promise.all([createImageBitmap(jpeg), new Response(inflated).arrayBuffer()]);
  return { ...header, jpeg, bitmap, labels: new Uint8Array(labels) };
}
