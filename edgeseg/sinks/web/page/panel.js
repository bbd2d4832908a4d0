// Figures, class switches and notes beside the picture.

import { tinted } from "./picture.js";

const COUNT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const byId = (id) => document.getElementById(id);

export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** A class switch with an area bar for each class; `toggle(id, hidden)` is called when one is switched. */
export class Classes {
  constructor(toggle) {
    this.toggle = toggle;
    this.rows = [];
    byId("all").onclick = () => this.#switchAll();
  }

  /** Build the rows; `hidden` holds the ids that are off. */
  build(classes, hidden) {
    const colored = classes.filter(({ color }) => tinted(color));
    const plain = classes.filter(({ color }) => !tinted(color));
    this.rows = [...colored, ...plain].map((item) => this.#row(item, hidden.has(item.id)));
    byId("classes").replaceChildren(...this.rows.map((row) => row.item));
    byId("all").hidden = colored.length < 2;
    this.#name();
  }

  /** `share(id)` gives 0 to 1. */
  update(share) {
    for (const { id, text, fill } of this.rows) {
      text.textContent = `${(100 * share(id)).toFixed(1)} %`;
      fill.style.transform = `scaleX(${share(id).toFixed(4)})`;
    }
  }

  /** One line for those who cannot see the picture. */
  summary(share) {
    const there = this.rows.filter(({ id }) => share(id) >= 0.0005).map(({ id, name }) => `${name} ${(100 * share(id)).toFixed(0)} %`);
    return there.join(", ");
  }

  #row({ id, name, color }, hidden) {
    const item = element("li");
    const colored = tinted(color);
    const row = element(colored ? "label" : "div", "", colored ? "" : "plain");
    const [text, bar, fill] = [element("span", "", "share"), element("span", "", "bar"), element("i")];
    const input = element(colored ? "input" : "span", "", colored ? "" : "blank");
    if (colored) {
      row.style.setProperty("--color", `rgb(${color.join(" ")})`);
      input.type = "checkbox";
      input.setAttribute("role", "switch");
      input.setAttribute("aria-label", name); // the label's text holds the area too, which never rests
      input.checked = !hidden;
      input.onchange = () => this.#switched(id, !input.checked);
    }
    bar.append(fill);
    row.append(input, element("span", name, "name"), text, bar);
    row.classList.toggle("off", hidden);
    item.append(row);
    return { id, name, item, row, input: colored ? input : null, text, fill };
  }

  #switched(id, hidden) {
    const found = this.rows.find((row) => row.id === id);
    found.row.classList.toggle("off", hidden);
    this.toggle(id, hidden);
    this.#name();
  }

  #anyOn() {
    return this.rows.some(({ input }) => input?.checked);
  }

  #switchAll() {
    const hide = this.#anyOn();
    for (const { id, input } of this.rows) {
      if (!input || input.checked === !hide) continue;
      input.checked = !hide;
      this.#switched(id, hide);
    }
  }

  #name() {
    byId("all").textContent = this.#anyOn() ? "Hide all" : "Show all";
  }
}

/** The four large figures, and beneath the classes whatever else the loop measures. */
export function showFigures(figures, ageMs) {
  const lost = figures.dropped / (figures.frames + figures.dropped || 1);
  list("figures", [
    ["Frames/s", figures.recent_fps.toFixed(figures.recent_fps < 100 ? 1 : 0)],
    ["Invoke", ...milliseconds(figures.invoke_ms)],
    ["Frame age", ...(ageMs === null ? ["–"] : milliseconds(ageMs))],
    ["Dropped", COUNT.format(figures.dropped), lost ? `${(100 * lost).toFixed(1)} %` : ""],
  ]);
  const percent = (share) => `${(100 * share).toFixed(2)} %`;
  const flicker = [figures.flicker, figures.flicker_smoothed].filter((value) => value !== null).map(percent);
  list("details", [
    ["Flicker", flicker.join(" → ")],
    ["Margin", figures.margin === null ? "" : `${(100 * figures.margin).toFixed(1)} %`],
    ["Temperature", figures.temperature_c === null ? "" : `${figures.temperature_c.toFixed(0)} °C`],
    ["Unreadable frames", figures.bad ? String(figures.bad) : ""],
  ].filter(([, value]) => value));
}

export function showNotes(figures) {
  const outputs = Object.entries(figures.outputs).filter(([, trouble]) => trouble);
  const notes = [
    figures.source && `Source: ${figures.source}`,
    figures.governor,
    ...outputs.map(([uri, trouble]) => `${uri}: ${trouble}`),
  ].filter(Boolean);
  const shown = [...byId("notes").children].map((item) => item.textContent);
  if (notes.join("\n") !== shown.join("\n")) byId("notes").replaceChildren(...notes.map((note) => element("li", note)));
}

function milliseconds(value) {
  if (value >= 10000) return [(value / 1000).toFixed(0), "s"];
  return [value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0), "ms"];
}

/** Fill a <dl>; its nodes are made once, so that a reader's place in it is kept. */
function list(id, entries) {
  const box = byId(id);
  while (box.children.length > entries.length) box.lastChild.remove();
  while (box.children.length < entries.length) {
    const row = element("div");
    const value = element("dd");
    value.append("", element("small"));
    row.append(element("dt"), value);
    box.append(row);
  }
  entries.forEach(([name, value, unit = ""], i) => {
    const [term, data] = box.children[i].children;
    if (term.textContent !== name) term.textContent = name;
    data.firstChild.data = unit ? `${value}\u202f` : value;
    data.lastChild.textContent = unit;
  });
}
