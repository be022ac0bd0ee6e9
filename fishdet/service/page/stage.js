// A picture with its boxes over it: every box is a button that can be pointed at, tapped and reached
// by Tab; while correcting, it can be dragged, resized and moved by the arrow keys.

import { h, fill } from "./dom.js";
import { titleOf } from "./findings.js";
import { say } from "./words.js";

const LEAST = 4; // pixels of the picture that a box keeps, each way
const CORNERS = [["nw", 0, 0], ["ne", 1, 0], ["sw", 0, 1], ["se", 1, 1]];

/** A stage in `place`. `events`: `choose(box)`, `changed(box)` after each move. */
export class Stage {
  constructor(place, events) {
    Object.assign(this, { place, events, boxes: [], chosen: null, editing: false, buttons: new Map() });
    this.image = h("img", { alt: "" });
    this.image.addEventListener("error", () => this.missing());
    this.note = h("p", { class: "soft", hidden: true });
    this.layer = h("div", { class: "layer" });
    this.frame = h("div", { class: "frame" }, this.image, this.layer);
    fill(place, this.frame, this.note);
  }

  /** Show a picture: an address of it, its size in pixels, its boxes. */
  show(address, width, height, boxes) {
    Object.assign(this, { width, height, boxes, chosen: null });
    this.frame.style.aspectRatio = `${width} / ${height}`;
    this.frame.style.setProperty("--ratio", String(width / height));
    this.image.hidden = false;
    this.note.hidden = true;
    this.image.src = address;
    this.draw();
  }

  /** Wait until the picture can be drawn, or cannot. */
  ready() {
    return this.image.decode().catch(() => undefined);
  }

  /** A canvas with what lies in a box and a little around it; null where the picture cannot be shown. */
  crop(box) {
    if (!this.image.naturalWidth) return null;
    const [x, y, w, h_] = box.bbox;
    const edge = 0.15 * Math.max(w, h_);
    const [left, top] = [Math.max(0, x - edge), Math.max(0, y - edge)];
    const [wide, high] = [Math.min(this.width, x + w + edge) - left, Math.min(this.height, y + h_ + edge) - top];
    const scale = Math.min(480 / wide, 360 / high, 4);
    const canvas = h("canvas", { width: Math.max(1, Math.round(wide * scale)), height: Math.max(1, Math.round(high * scale)), "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(this.image, left, top, wide, high, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  missing() {
    this.image.hidden = true;
    this.note.hidden = false;
    this.note.textContent = say("noPreview");
  }

  /** Make all boxes anew; the one that had the focus keeps it. */
  draw() {
    const focused = this.boxes.find((box) => this.buttons.get(box) === document.activeElement);
    this.image.alt = say("photoAlt", { n: this.boxes.length });
    this.buttons = new Map(this.boxes.map((box, i) => [box, this.button(box, i + 1)]));
    fill(this.layer, [...this.buttons.values()]);
    for (const box of this.boxes) this.place_(box);
    if (focused) this.buttons.get(focused)?.focus();
  }

  /** Mark a box; null: none. */
  choose(box, focus = false) {
    this.chosen = box;
    for (const [one, button] of this.buttons) {
      button.classList.toggle("chosen", one === box);
      button.setAttribute("aria-pressed", String(one === box));
    }
    if (focus) this.buttons.get(box)?.focus();
  }

  /** Let boxes be moved, or no more. */
  edit(editing) {
    this.editing = editing;
    this.layer.classList.toggle("editing", editing);
    this.draw();
  }

  button(box, number) {
    const kind = box.word ? "mine" : box.fish?.verdict || "mine";
    const label = say("fishLabel", { n: number, what: titleOf(box) });
    const button = h("button", {
      type: "button", class: `box ${kind}${box === this.chosen ? " chosen" : ""}`, "aria-label": label,
      "aria-pressed": String(box === this.chosen),
      onclick: () => this.events.choose(box),
      onkeydown: (event) => this.key(event, box),
      onpointerdown: (event) => this.grab(event, box, button),
    }, h("span", { class: "number", "aria-hidden": "true" }, String(number)),
    h("span", { class: "tip", "aria-hidden": "true" }, label),
    this.editing ? CORNERS.map(([name]) => h("span", { class: `corner ${name}`, "data-corner": name })) : null);
    return button;
  }

  place_(box) {
    const [x, y, w, h_] = box.bbox;
    const { style } = this.buttons.get(box);
    style.left = `${(100 * x) / this.width}%`;
    style.top = `${(100 * y) / this.height}%`;
    style.width = `${(100 * w) / this.width}%`;
    style.height = `${(100 * h_) / this.height}%`;
    // Small boxes lie over large ones, or they could not be reached.
    style.zIndex = String(1 + Math.round(1000 * (1 - (w * h_) / (this.width * this.height))));
  }

  set(box, x1, y1, x2, y2) {
    const clip = (value, most) => Math.min(Math.max(value, 0), most);
    const left = clip(Math.min(x1, x2), this.width - LEAST);
    const top = clip(Math.min(y1, y2), this.height - LEAST);
    const right = Math.max(clip(Math.max(x1, x2), this.width), left + LEAST);
    const bottom = Math.max(clip(Math.max(y1, y2), this.height), top + LEAST);
    box.bbox = [left, top, right - left, bottom - top].map((value) => Math.round(100 * value) / 100);
    box.moved = true;
    this.place_(box);
  }

  shift(box, dx, dy) {
    const [x, y, w, h_] = box.bbox;
    const nx = Math.min(Math.max(x + dx, 0), this.width - w);
    const ny = Math.min(Math.max(y + dy, 0), this.height - h_);
    this.set(box, nx, ny, nx + w, ny + h_);
  }

  key(event, box) {
    const step = Math.max(1, Math.round(Math.max(this.width, this.height) / 100));
    const arrows = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const by = arrows[event.key];
    if (!this.editing || !by) return;
    event.preventDefault();
    this.events.choose(box);
    const [x, y, w, h_] = box.bbox;
    if (event.shiftKey) this.set(box, x, y, x + Math.max(LEAST, w + by[0]), y + Math.max(LEAST, h_ + by[1]));
    else this.shift(box, ...by);
    this.events.changed(box);
  }

  grab(event, box, button) {
    if (!this.editing || event.button !== 0) return;
    event.preventDefault();
    button.focus();
    this.events.choose(box);
    button.setPointerCapture(event.pointerId);
    const corner = event.target.dataset?.corner;
    const [x, y, w, h_] = box.bbox;
    const area = this.frame.getBoundingClientRect();
    const drag = (move) => {
      const dx = ((move.clientX - event.clientX) * this.width) / area.width;
      const dy = ((move.clientY - event.clientY) * this.height) / area.height;
      if (!corner) {
        box.bbox = [x, y, w, h_];
        this.shift(box, dx, dy);
        return;
      }
      const [, right, low] = CORNERS.find(([name]) => name === corner);
      this.set(box, right ? x : x + dx, low ? y : y + dy, right ? x + w + dx : x + w, low ? y + h_ + dy : y + h_);
    };
    const drop = () => {
      button.removeEventListener("pointermove", drag);
      if (box.moved) this.events.changed(box);
    };
    button.addEventListener("pointermove", drag);
    button.addEventListener("pointerup", drop, { once: true });
    button.addEventListener("pointercancel", drop, { once: true });
  }
}
