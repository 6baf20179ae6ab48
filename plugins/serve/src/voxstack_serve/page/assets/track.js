// One text as one voice speaks it: samples and words as they arrive, and the figures of the request.

import { speech } from "./api.js";

export class Track extends EventTarget {
  /** `rate` is the sample rate in Hz; `spans` whether the words' spans are places in the text as it is shown. */
  constructor({ side, voice, context, rate, text, spans }) {
    super();
    Object.assign(this, { side, voice, context, rate, text, spans });
    this.chunks = []; // Int16Array
    this.starts = []; // the first sample of each
    this.length = 0; // in samples
    this.words = [];
    this.first = this.took = this.trace = null;
    this.ended = this.complete = false; // no more arrives; all has arrived
  }

  get duration() {
    return this.length / this.rate;
  }

  /** Request the speech, and take it as it arrives. */
  async receive(body, signal) {
    try {
      await this.#take(body, signal);
      this.complete = true;
    } finally {
      this.ended = true;
      this.dispatchEvent(new Event("change"));
    }
  }

  async #take(body, signal) {
    const began = performance.now();
    let odd = new Uint8Array(0);
    for await (const event of speech(body, signal)) {
      if (event.type === "speech.audio.delta") {
        const bytes = joined(odd, decoded(event.audio));
        odd = bytes.slice(bytes.length & ~1);
        this.words.push(...(event.words ?? []));
        if (this.first === null && bytes.length > 1) this.first = (performance.now() - began) / 1000;
        this.#append(new Int16Array(bytes.buffer, 0, bytes.length >> 1));
      } else if (event.type === "speech.trace") {
        this.trace = event;
      }
    }
    this.took = (performance.now() - began) / 1000;
  }

  /** Return samples from `start` up to `stop`, or fewer where there are no more, as numbers from -1 to 1. */
  samples(start, stop) {
    const found = new Float32Array(Math.max(0, Math.min(stop, this.length) - start));
    let index = this.#chunkAt(start);
    for (let done = 0; done < found.length; index++) {
      const offset = start + done - this.starts[index];
      const part = this.chunks[index].subarray(offset, offset + found.length - done);
      for (let i = 0; i < part.length; i++) found[done + i] = part[i] / 32768;
      done += part.length;
    }
    return found;
  }

  /** Return the index of the word that is spoken at a time, or of the last one before it; -1 before the first. */
  wordAt(time) {
    let low = 0, high = this.words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle].start <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Return the time at which another track says what this one says at a time. */
  timeIn(other, time) {
    const word = this.words[this.wordAt(time)];
    const match = word && this.spans === other.spans && other.words.find((w) => w.span?.[0] === word.span?.[0]);
    if (!match) return Math.min(time, other.duration);
    const inside = Math.min(1, (time - word.start) / Math.max(0.001, word.end - word.start));
    return Math.min(match.start + inside * (match.end - match.start), other.duration);
  }

  #append(chunk) {
    if (chunk.length) {
      this.starts.push(this.length);
      this.chunks.push(chunk);
      this.length += chunk.length;
    }
    this.dispatchEvent(new Event("change"));
  }

  #chunkAt(sample) {
    let low = 0, high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= sample) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function decoded(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function joined(one, two) {
  if (!one.length) return two;
  const bytes = new Uint8Array(one.length + two.length);
  bytes.set(one);
  bytes.set(two, one.length);
  return bytes;
}
