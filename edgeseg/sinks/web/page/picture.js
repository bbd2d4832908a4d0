// The picture with its mask: colours are laid on at the label map's own size and stretched over it.

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.mask = document.createElement("canvas");
    this.opacity = 0.5;
    this.hidden = new Set();
    this.classes = [];
    this.counts = new Uint32Array(256);
    this.current = null;
    this.colors = new Uint8Array(4 * 256);
    this.painted = new Uint32Array(this.colors.buffer);
  }

  /** `classes`: [{id, name, color: [red, green, blue]}]; a black one leaves the picture as it is. */
  setClasses(classes) {
    this.classes = classes;
    this.repaint();
  }

  setHidden(id, hidden) {
    if (hidden) this.hidden.add(id);
    else this.hidden.delete(id);
    this.repaint();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.#compose();
  }

  /** Show what `unpack` gave; true where its size differs from the last one's. */
  show(picture) {
    this.current?.bitmap.close();
    this.current = picture;
    const { width, height } = picture.bitmap;
    const changed = this.canvas.width !== width || this.canvas.height !== height;
    if (changed) [this.canvas.width, this.canvas.height] = [width, height];
    this.counts.fill(0);
    for (const id of picture.labels) this.counts[id]++;
    this.repaint();
    return changed;
  }

  /** Share of the picture by class id, 0 to 1. */
  share(id) {
    return this.current ? this.counts[id] / this.current.labels.length : 0;
  }

  repaint() {
    if (!this.current) return;
    this.colors.fill(0);
    for (const { id, color } of this.classes) {
      if (tinted(color) && !this.hidden.has(id)) this.colors.set([...color, 255], 4 * id);
    }
    const { width, height, labels } = this.current;
    if (this.mask.width !== width || this.mask.height !== height || !this.image) {
      [this.mask.width, this.mask.height] = [width, height];
      this.image = this.mask.getContext("2d").createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    for (let i = 0; i < labels.length; i++) this.pixels[i] = this.painted[labels[i]];
    this.mask.getContext("2d").putImageData(this.image, 0, 0);
    this.#compose();
  }

  #compose() {
    if (!this.current) return;
    const { width, height } = this.canvas;
    this.context.globalAlpha = 1;
    this.context.drawImage(this.current.bitmap, 0, 0);
    this.context.globalAlpha = this.opacity;
    this.context.drawImage(this.mask, 0, 0, width, height);
  }
}

export function tinted(color) {
  return color.some((part) => part > 0);
}
