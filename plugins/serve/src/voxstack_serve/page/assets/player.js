// Playback: samples are scheduled on the clock of Web Audio as they arrive, so that chunks join without a seam.

const LEAD = 0.02; // seconds between scheduling and sound
const AHEAD = 3; // seconds that are scheduled
const PART = 0.5; // seconds of a buffer at most
const FADE = 0.008; // seconds in which the sound ends where it is cut

export class Player extends EventTarget {
  #contexts = new Map(); // by sample rate: at its own rate, audio is not resampled chunk by chunk
  #playing = null;
  #timer = 0;

  get track() {
    return this.#playing?.track ?? null;
  }

  /** Get ready to play at a sample rate; browsers allow it while a key or a button is pressed. */
  prepare(rate) {
    this.#context(rate).resume();
  }

  /** Play a track from a time on, also while it arrives. Ends what plays. */
  play(track, from = 0) {
    this.#end();
    const context = this.#context(track.rate);
    context.resume();
    const gain = new GainNode(context);
    gain.connect(context.destination);
    const next = Math.round(from * track.rate);
    this.#playing = { track, context, gain, next, when: 0, segments: [], sources: new Set() };
    this.#timer = setInterval(() => this.pump(), 250);
    this.pump();
    this.dispatchEvent(new Event("change"));
  }

  stop() {
    if (!this.#playing) return;
    this.#end();
    this.dispatchEvent(new Event("change"));
  }

  /** Schedule what has arrived, up to some seconds ahead. */
  pump() {
    const now = this.#playing;
    if (!now) return;
    const { track, context } = now;
    while (now.next < track.length && (!now.when || now.when < context.currentTime + AHEAD)) this.#schedule(now);
    if (track.ended && now.next >= track.length && this.position() >= track.duration) {
      this.dispatchEvent(new CustomEvent("ended", { detail: track }));
      this.stop();
    }
  }

  /** Return the time in the track that is heard now. */
  position() {
    const now = this.#playing;
    if (!now) return 0;
    const time = now.context.currentTime - (now.context.outputLatency || 0);
    let found = now.segments[0]?.from ?? now.next / now.track.rate;
    for (const { when, from, length } of now.segments) {
      if (time >= when) found = from + Math.min(time - when, length);
    }
    return found;
  }

  #context(rate) {
    if (!this.#contexts.has(rate)) {
      this.#contexts.set(rate, new AudioContext({ sampleRate: rate, latencyHint: "interactive" }));
    }
    return this.#contexts.get(rate);
  }

  #schedule(now) {
    const { track, context, gain } = now;
    const samples = track.samples(now.next, now.next + PART * track.rate);
    if (!now.segments.length || now.when < context.currentTime) { // the first part, or it came too late
      now.when = Math.ceil((context.currentTime + LEAD) * track.rate) / track.rate;
      now.segments.push({ when: now.when, from: now.next / track.rate, length: 0 });
    }
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: track.rate });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(gain);
    source.start(now.when);
    now.sources.add(source);
    source.onended = () => now.sources.delete(source);
    now.segments.at(-1).length += buffer.duration;
    now.when += buffer.duration;
    now.next += samples.length;
  }

  #end() {
    clearInterval(this.#timer);
    const now = this.#playing;
    this.#playing = null;
    if (!now) return;
    const end = now.context.currentTime + FADE;
    now.gain.gain.setTargetAtTime(0, now.context.currentTime, FADE / 3);
    for (const source of now.sources) source.stop(end);
  }
}
