// Power spectra of real signals: a Hann window, and the radix-2 FFT.

export class Spectrum {
  /** `size` is the number of samples, a power of two. */
  constructor(size) {
    this.size = size;
    this.power = new Float32Array(size / 2 + 1);
    this.real = new Float32Array(size);
    this.imaginary = new Float32Array(size);
    this.cos = Float32Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.sin = Float32Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.window = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
    const bits = Math.log2(size);
    this.reversed = Uint32Array.from({ length: size }, (_, i) => {
      let found = 0;
      for (let bit = 0; bit < bits; bit++) found |= ((i >> bit) & 1) << (bits - 1 - bit);
      return found;
    });
  }

  /** Return the power by frequency of samples; missing ones are silence. A full sine has the power 1. */
  of(samples) {
    const { size, real, imaginary, power } = this;
    for (let i = 0; i < size; i++) real[this.reversed[i]] = (samples[i] ?? 0) * this.window[i];
    imaginary.fill(0);
    for (let half = 1; half < size; half *= 2) this.#butterflies(half);
    const scale = 4 / size; // the window halves the sum
    for (let i = 0; i < power.length; i++) power[i] = (real[i] ** 2 + imaginary[i] ** 2) * scale ** 2;
    return power;
  }

  #butterflies(half) {
    const { size, real, imaginary, cos, sin } = this;
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let i = 0; i < half; i++) {
        const a = start + i, b = a + half, c = cos[i * stride], s = sin[i * stride];
        const re = real[b] * c + imaginary[b] * s;
        const im = imaginary[b] * c - real[b] * s;
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}
