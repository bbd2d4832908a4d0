// Wires the parts of the page together, and watches that what it shows is fresh.

import { Connection } from "./connection.js";
import { Classes, showFigures, showNotes } from "./panel.js";
import { Picture } from "./picture.js";
import { save } from "./snapshot.js";

const byId = (id) => document.getElementById(id);
const LOST_MS = 1500;
const LOOK_MS = 250;

const picture = new Picture(byId("picture"));
const classes = new Classes((id, hidden) => picture.setHidden(id, hidden));
let hello = null;
let figures = null;
let freshAt = null; // performance.now() when the loop made the picture that is shown, as far as is known
let lostAt = performance.now();
let why = "";
let pictures = 0; // on this connection
let ages = []; // of the pictures since the last figures, in ms
let ageMs = null;
let switching = false; // the recording was pressed and has not answered: figures may be older than that

const connection = new Connection({
  hello(data) {
    if (hello && hello.version !== data.version) location.reload(); // the loop was updated under a page left open
    if (JSON.stringify(hello?.classes) !== JSON.stringify(data.classes)) {
      picture.hidden.clear();
      classes.build(data.classes, picture.hidden);
      picture.setClasses(data.classes);
    }
    hello = data;
    pictures = 0;
  },

  figures(data) {
    figures = data;
    if (ages.length) ageMs = ages.reduce((sum, age) => sum + age) / ages.length;
    ages = [];
    showFigures(data, data.stale ? null : ageMs);
    showNotes(data);
    set(byId("model"), data.model || "edgeseg");
    byId("model").title = data.model; // where it is too long to be shown whole
    byId("miou").hidden = data.miou === null;
    set(byId("miou"), data.miou === null ? "" : `${data.scheme ?? ""} mIoU ${data.miou.toFixed(3)}`.trim());
    byId("record-row").hidden = data.recording === null;
    if (!switching) showRecording(data.recording);
    look();
  },

  picture(data) {
    freshAt = performance.now() - (pictures++ ? 0 : 1000 * (figures.idle_s ?? 0)); // the first may have waited for us
    ages.push(data.age_ms);
    if (picture.show(data)) byId("frame").style.setProperty("--aspect", data.bitmap.width / data.bitmap.height);
    look();
  },

  lost(text) {
    lostAt = performance.now();
    why = text;
    look();
  },
});

/** Say how things are; called often, touches the page only where something has changed. */
function look() {
  const now = performance.now();
  const idle = freshAt === null ? null : now - freshAt;
  const cut = !connection.open && now - lostAt > LOST_MS;
  const stale = idle !== null && (cut || idle > 1000 * (figures?.stale_after_s ?? LOST_MS));
  const source = figures?.source ? `Source: ${figures.source}` : "No new frames.";
  const reason = connection.open ? source : why || "Connecting…";
  const state = idle === null ? "waiting" : stale ? "stale" : "live";
  set(byId("badge-age"), stale ? span(idle) : "");
  set(byId("badge-why"), stale ? reason : "");
  set(byId("waiting"), connection.open ? `Waiting for the first frame. ${figures?.source ? source : ""}` : why || "Connecting…");
  if (byId("state").dataset.state === state && byId("waiting").hidden === (idle !== null)) return;
  byId("state").dataset.state = state;
  document.body.classList.toggle("stale", stale);
  byId("badge").hidden = !stale;
  byId("waiting").hidden = idle !== null;
  byId("snapshot").disabled = idle === null;
  const word = { live: "Live", stale: "Stale", waiting: "Waiting" }[state];
  set(byId("state-word"), word);
  set(byId("announce"), stale ? `Stale. ${reason}` : word);
  document.title = stale ? "STALE – edgeseg" : `${figures?.model || "edgeseg"} – edgeseg`;
}

function span(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function showRecording(recording) {
  byId("record").checked = recording === true;
  set(byId("record-word"), recording ? "Recording" : "Record");
}

function say(text) {
  set(byId("said"), text);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => set(byId("said"), ""), 6000);
}

function blend() {
  const percent = byId("opacity").value;
  picture.setOpacity(percent / 100);
  byId("opacity-value").value = `${percent} %`;
  byId("opacity").style.setProperty("--fill", `${percent}%`);
}

byId("opacity").oninput = blend;
blend(); // a browser restores a form's state on reload

byId("snapshot").onclick = async () => {
  const name = await save(picture.current);
  say(`Saved ${name}.jpg and ${name}.png`);
};

byId("record").onchange = async ({ target }) => {
  switching = true;
  try {
    const answer = await fetch(`/record?on=${target.checked ? 1 : 0}`, { method: "POST" });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    showRecording((await answer.json()).recording);
  } catch (error) {
    showRecording(figures.recording);
    say(`The recording could not be switched: ${error.message}`);
  } finally {
    switching = false;
  }
};

byId("full").hidden = !document.fullscreenEnabled;
byId("full").onclick = () => byId("stage").requestFullscreen();

setInterval(() => {
  look();
  if (!picture.current) return;
  const share = (id) => picture.share(id);
  classes.update(share);
  const label = `Picture with the mask over it: ${classes.summary(share)}`;
  if (picture.canvas.getAttribute("aria-label") !== label) picture.canvas.setAttribute("aria-label", label);
}, LOOK_MS);
