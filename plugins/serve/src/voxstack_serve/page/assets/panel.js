// One side: what a voice in a context speaks, its figures, and its stack.

import { get } from "./api.js";
import { byId, oncePerFrame, seconds } from "./dom.js";
import { Spectrogram } from "./spectrogram.js";
import { StackGraph } from "./stack.js";
import { Transcript } from "./transcript.js";
import { save, wavOf } from "./wav.js";

export class Panel extends EventTarget {
  track = null;
  position = 0;
  #latest = 0; // the number of the latest request for a stack

  constructor(side, parent) {
    super();
    this.side = side;
    const root = byId("panel").content.cloneNode(true).firstElementChild;
    this.root = root;
    root.dataset.side = side;
    root.querySelector(".badge").textContent = side.toUpperCase();
    root.querySelector(".badge").classList.add(`badge-${side}`);
    parent.append(root);
    this.spectrogram = new Spectrogram(root.querySelector("canvas"));
    this.transcript = new Transcript(root.querySelector(".transcript"), (time) => this.#seek(time));
    this.graph = new StackGraph(root.querySelector(".graph"));
    this.scope = root.querySelector(".scope");
    this.replay = root.querySelector(".replay");
    this.download = root.querySelector(".download");
    this.replay.addEventListener("click", () => this.heard ? this.dispatchEvent(new Event("stop")) : this.#seek(0));
    this.download.addEventListener("click", () => save(wavOf(this.track), `${this.track.voice}.wav`));
    this.scope.addEventListener("click", (event) => this.#seekTo(event.offsetX / this.scope.clientWidth));
    this.scope.addEventListener("keydown", (event) => this.#seekBy(event));
  }

  /** Show the voice and the context that will speak, and its stack. */
  async describe(voice, context) {
    const name = context ? `${voice} in ${context}` : voice;
    if (this.track && (this.track.voice !== voice || this.track.context !== context)) this.#clear();
    this.root.querySelector(".title").textContent = name;
    this.root.setAttribute("aria-label", name);
    const latest = ++this.#latest;
    const query = context ? `?context=${encodeURIComponent(context)}` : "";
    const found = await get(`/v1/audio/voices/${encodeURIComponent(voice)}/stack${query}`);
    if (latest !== this.#latest) return;
    this.graph.show(found);
    this.#time(this.track?.trace);
  }

  /** Show a track, which is about to arrive. */
  show(track) {
    this.track = track;
    this.position = 0;
    this.spectrogram.show(track);
    this.transcript.show(track);
    this.#time(null);
    track.addEventListener("change", oncePerFrame(() => this.#update(track)));
    this.#update(track);
    this.moveTo(0);
  }

  #clear() {
    this.track = null;
    this.spectrogram.show(null);
    this.transcript.clear();
    this.moveTo(0);
    for (const name of ["first", "duration", "factor"]) this.#figure(name, "–");
    this.replay.disabled = this.download.disabled = true;
    this.#time(null);
  }

  /** Show a time in the track. */
  moveTo(position) {
    this.position = position;
    this.spectrogram.moveTo(position);
    this.transcript.moveTo(position);
    const [now, most] = [position, this.track?.duration ?? 0].map(Math.round); // screen readers read each change
    this.scope.setAttribute("aria-valuemax", most);
    this.scope.setAttribute("aria-valuenow", Math.min(now, most));
    this.scope.setAttribute("aria-valuetext", `${now} of ${most} seconds`);
  }

  /** Compare the times of the blocks with those of another panel: by bars of one scale. */
  compareWith(other) {
    if (this.track?.trace) this.#time(this.track.trace, Math.max(this.spent, other.spent));
  }

  /** Fold the stack, or unfold it. */
  fold(folded) {
    this.root.querySelector(".stack").open = !folded;
  }

  /** Show whether this side is heard now. */
  hear(heard) {
    this.heard = heard;
    this.root.classList.toggle("heard", heard);
    this.replay.textContent = heard ? "Stop" : "Play again";
    if (!heard) this.transcript.rest();
  }

  #update(track) {
    if (track !== this.track) return;
    this.transcript.update(this.position);
    this.spectrogram.draw();
    this.#figure("first", track.first === null ? "–" : seconds(track.first));
    this.#figure("duration", track.length ? seconds(track.duration) : "–");
    this.#figure("factor", track.complete && track.length ? (track.took / track.duration).toPrecision(2) : "–");
    this.replay.disabled = !this.heard && !track.length;
    this.download.disabled = !track.complete;
    if (track.complete) {
      this.#time(track.trace);
      this.dispatchEvent(new Event("timed"));
    }
  }

  /** Seconds that all blocks took; 0 as long as they are not known. */
  get spent() {
    return (this.track?.trace?.blocks ?? []).reduce((sum, row) => sum + row.seconds, 0);
  }

  /** Show the times of the blocks, in bars whose full length is `scale` seconds. */
  #time(trace, scale = this.spent) {
    this.graph.time(trace, scale || 1);
    this.root.querySelector(".legend").hidden = !trace;
    this.root.querySelector(".total").textContent = trace ? `${seconds(this.spent)} in all blocks` : "";
  }

  #figure(name, text) {
    this.root.querySelector(`[data-figure=${name}]`).textContent = text;
  }

  #seekTo(place) {
    this.#seek(this.spectrogram.timeAt(place));
  }

  #seekBy(event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.#seek(Math.max(0, this.position + by));
  }

  #seek(time) {
    if (!this.track?.length) return;
    this.dispatchEvent(new CustomEvent("seek", { detail: Math.max(0, Math.min(time, this.track.duration)) }));
  }
}
