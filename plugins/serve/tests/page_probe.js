// Records what the page does, in the page. `probe.clock` stops the clock of Web Audio at a time.

window.probe = { starts: [], order: [], words: [], violations: [], clock: null, context: null };

const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, ...rest) {
  probe.context = this.context;
  const samples = this.buffer.getChannelData(0);
  const at = this.context.currentTime, { duration: seconds } = this.buffer;
  probe.starts.push({ when, at, seconds, samples: Array.from(samples, (x) => Math.round(32768 * x)) });
  probe.order.push("start");
  return start.call(this, when, ...rest);
};

const now = Object.getOwnPropertyDescriptor(BaseAudioContext.prototype, "currentTime").get;
Object.defineProperty(BaseAudioContext.prototype, "currentTime", {
  get() {
    return probe.clock ?? now.call(this);
  },
});

/** Return the time in the audio that is scheduled for a time of the clock, from the first start on. */
probe.position = (time) => {
  let found = 0, heard = 0;
  for (const { when, seconds } of probe.starts) {
    if (time >= when) found = heard + Math.min(time - when, seconds);
    heard += seconds;
  }
  return found;
};

const read = ReadableStreamDefaultReader.prototype.read;
ReadableStreamDefaultReader.prototype.read = async function () {
  const found = await read.call(this);
  if (found.done || new TextDecoder().decode(found.value).includes("speech.audio.done")) probe.order.push("complete");
  return found;
};

document.addEventListener("securitypolicyviolation", (event) => probe.violations.push(event.violatedDirective));
document.addEventListener("DOMContentLoaded", () => {
  const lit = (changes) => {
    for (const { target } of changes) {
      if (target.classList?.contains("now") && probe.words.at(-1)?.target !== target) {
        probe.words.push({ target, text: target.textContent, position: probe.position(probe.context.currentTime) });
      }
    }
  };
  new MutationObserver(lit).observe(document.body, { subtree: true, attributeFilter: ["class"] });
});
