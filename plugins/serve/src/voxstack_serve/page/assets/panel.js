// One side: what a voice in a context speaks, its figures, and its stack.

import { get } from "./api.js";
import { byId, seconds } from "./dom.js";
import { Spectrogram } from "./spectrogram.js";
import { StackGraph } from "./stack.js";
import { Transcript } from "./transcript.js";
import { save, wavOf } from "./wav.js";

export class Panel extends EventTarget {
  track = null;
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
    this.replay.addEventListener("click", () => this.#seek(0));
    this.download.addEventListener("click", () => save(wavOf(this.track), `${this.track.voice}.wav`));
    this.scope.addEventListener("click", (event) => this.#seekTo(event.offsetX / this.scope.clientWidth));
    this.scope.addEventListener("keydown", (event) => this.#seekBy(event));
  }

  /** Show the voice and the context that will speak, and its stack. */
  async describe(voice, context) {
    const name = context ? `${voice} in ${context}` : voice;
    this.root.querySelector(".title").textContent = name;
    this.root.setAttribute("aria-label", name);
    const latest = ++this.#latest;
    const query = context ? `?context=${encodeURIComponent(context)}` : "";
    const found = await get(`/v1/audio/voices/${encodeURIComponent(voice)}/stack${query}`);
    if (latest !== this.#latest) return;
    this.graph.show(found);
    this.#time(null);
  }

  /** Show a track, which is about to arrive. */
  show(track) {
    this.track = track;
    this.spectrogram.show(track);
    this.transcript.show(track);
    this.#time(null);
    track.addEventListener("change", () => this.#update());
    this.#update();
    this.moveTo(0);
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

  /** Show that nothing is spoken now. */
  rest() {
    this.transcript.rest();
  }

  #update() {
    const { track } = this;
    this.transcript.update();
    this.spectrogram.draw();
    this.#figure("first", track.first === null ? "–" : seconds(track.first));
    this.#figure("duration", track.length ? seconds(track.duration) : "–");
    this.#figure("factor", track.complete && track.length ? (track.took / track.duration).toPrecision(2) : "–");
    this.replay.disabled = !track.length;
    this.download.disabled = !track.complete;
    if (track.complete) this.#time(track.trace);
  }

  #time(trace) {
    const total = this.graph.time(trace);
    this.root.querySelector(".legend").hidden = !trace;
    this.root.querySelector(".total").textContent = trace ? `${seconds(total)} in all blocks` : "";
  }

  #figure(name, text) {
    this.root.querySelector(`[data-figure=${name}]`).textContent = text;
  }

  #seekTo(place) {
    this.#seek(this.spectrogram.timeAt(place));
  }

  #seekBy(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.#seek(Math.max(0, (this.position ?? 0) + by));
  }

  #seek(time) {
    if (!this.track?.length) return;
    this.dispatchEvent(new CustomEvent("seek", { detail: Math.max(0, Math.min(time, this.track.duration)) }));
  }
}
