// The spectrogram of a track: it is drawn as it arrives, and brightens as it is spoken.

import { Spectrum } from "./fft.js";
import { oncePerFrame } from "./dom.js";

const RATE = 100; // columns per second
const ROWS = 112;
const SECONDS = 16; // shown at most; longer speech scrolls
const SHORTEST = 3; // seconds that fill the width
const LOW = 60; // Hz
const FLOOR = -84; // dB
const LABELS = 22; // pixels for the words

const COLOURS = {
  dark: ["#0d1117", "#10303a", "#0f6a68", "#36b596", "#f2e9a8", "#fffdf0"],
  light: ["#f6f4ef", "#d9e7e2", "#8cc7ba", "#1f8f85", "#0b4a55", "#061b26"],
};

export class Spectrogram {
  #track = null;
  #position = 0;
  #columns = 0; // that are computed
  #ring = document.createElement("canvas");
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor(canvas) {
    this.canvas = canvas;
    this.#ring.width = SECONDS * RATE + 8;
    this.#ring.height = ROWS;
    this.draw = oncePerFrame(() => this.#draw());
    this.#dark.addEventListener("change", () => this.show(this.#track));
    new ResizeObserver(this.draw).observe(canvas);
    this.show(null);
  }

  /** Show a track from its beginning; null shows nothing. */
  show(track) {
    this.#track = track;
    this.#columns = this.#position = 0;
    this.palette = palette(COLOURS[this.#dark.matches ? "dark" : "light"]);
    if (track) {
      this.spectrum = new Spectrum(2 ** Math.round(Math.log2(track.rate * 0.032)));
      this.bins = bins(track.rate, this.spectrum.size);
    }
    this.draw();
  }

  /** Move to a time in the track. */
  moveTo(position) {
    this.#position = position;
    this.draw();
  }

  /** Return the time at a place of the canvas, from 0 at its left to 1 at its right. */
  timeAt(place) {
    const [start, length] = this.#view();
    return start + place * length;
  }

  /** Return the first second that is shown, and the number of seconds. */
  #view() {
    const duration = this.#track?.duration ?? 0;
    const length = Math.min(SECONDS, Math.max(SHORTEST, duration));
    return [Math.max(0, Math.min(this.#position - 0.6 * length, duration - length)), length];
  }

  #draw() {
    const { canvas } = this, ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = COLOURS[this.#dark.matches ? "dark" : "light"][0];
    context.fillRect(0, 0, width, height);
    if (!this.#track?.length) return;
    const [start, length] = this.#view();
    this.#fill(start, start + length);
    const scale = width / length, played = (this.#position - start) * scale;
    context.imageSmoothingQuality = "high";
    context.globalAlpha = 0.4;
    this.#copy(context, start, start + length, scale, height - LABELS);
    context.globalAlpha = 1;
    context.save();
    context.beginPath();
    context.rect(0, 0, played, height);
    context.clip();
    this.#copy(context, start, start + length, scale, height - LABELS);
    context.restore();
    this.#drawWords(context, start, start + length, scale, height);
    context.fillStyle = style(canvas, "--playhead");
    context.fillRect(Math.min(played, width - 2), 0, 2, height - LABELS);
  }

  /** Compute the columns that are shown and missing; each is kept until its place is needed. */
  #fill(from, to) {
    const { rate, length } = this.#track, hop = rate / RATE, { size } = this.spectrum;
    const end = Math.min(Math.ceil(to * RATE), this.#track.ended ? Math.ceil(length / hop) : Math.floor((length - size) / hop));
    const first = Math.floor(from * RATE);
    const begin = first < this.#columns - this.#ring.width || first > this.#columns ? first : this.#columns;
    for (let column = begin; column < end; column++) this.#paint(column, hop);
    this.#columns = Math.max(begin, end);
  }

  #paint(column, hop) {
    const { size } = this.spectrum, middle = Math.round(column * hop);
    const samples = this.#track.samples(Math.max(0, middle - size / 2), middle + size / 2);
    const power = this.spectrum.of(samples), image = new ImageData(1, ROWS);
    for (let row = 0; row < ROWS; row++) {
      let most = 0;
      for (let bin = this.bins[row]; bin < Math.max(this.bins[row] + 1, this.bins[row + 1]); bin++) most = Math.max(most, power[bin]);
      const level = Math.max(0, Math.min(255, Math.round(255 * (1 - (10 * Math.log10(most + 1e-12)) / FLOOR))));
      image.data.set(this.palette.subarray(4 * level, 4 * level + 4), 4 * (ROWS - 1 - row));
    }
    this.#ring.getContext("2d").putImageData(image, column % this.#ring.width, 0);
  }

  /** Copy seconds of the ring, which may be in two parts there. */
  #copy(context, from, to, scale, height) {
    const width = this.#ring.width;
    let column = Math.floor(from * RATE);
    const end = Math.min(Math.ceil(to * RATE), this.#columns);
    while (column < end) {
      const place = column % width, count = Math.min(end - column, width - place);
      context.drawImage(this.#ring, place, 0, count, ROWS, (column / RATE - from) * scale, 0, (count / RATE) * scale, height);
      column += count;
    }
  }

  #drawWords(context, from, to, scale, height) {
    const { words } = this.#track, current = this.#track.wordAt(this.#position);
    const [ink, faint, accent] = ["--ink", "--faint", "--playhead"].map((name) => style(this.canvas, name));
    context.font = `12px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    let free = 0;
    for (let i = Math.max(0, this.#track.wordAt(from)); i < words.length && words[i].start < to; i++) {
      const x = (words[i].start - from) * scale, spoken = i === current && this.#position <= words[i].end + 0.3;
      context.fillStyle = faint;
      context.fillRect(x, height - LABELS, 1, 5);
      if (x < free && !spoken) continue;
      const text = words[i].text.slice(0, 24), width = context.measureText(text).width;
      if (x + width > (to - from) * scale) continue;
      context.fillStyle = spoken ? accent : words[i].start <= this.#position ? ink : faint;
      if (x >= free) context.fillText(text, x + 2, height - LABELS / 2 + 2);
      free = Math.max(free, x + width + 8);
    }
  }
}

function style(canvas, name) {
  return getComputedStyle(canvas).getPropertyValue(name);
}

/** Return the first bin of each row, by the mel scale. */
function bins(rate, size) {
  const mel = (hertz) => 1127 * Math.log1p(hertz / 700);
  const low = mel(LOW), high = mel(Math.min(rate / 2, 12_000));
  return Uint16Array.from({ length: ROWS + 1 }, (_, row) => {
    const hertz = 700 * Math.expm1((low + (row / ROWS) * (high - low)) / 1127);
    return Math.min(size / 2, Math.round((hertz * size) / rate));
  });
}

/** Return 256 colours between some, as RGBA. */
function palette(stops) {
  const rgb = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const found = new Uint8ClampedArray(4 * 256).fill(255);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (rgb.length - 1), one = Math.min(rgb.length - 2, Math.floor(place));
    for (let c = 0; c < 3; c++) found[4 * level + c] = rgb[one][c] + (place - one) * (rgb[one + 1][c] - rgb[one][c]);
  }
  return found;
}
