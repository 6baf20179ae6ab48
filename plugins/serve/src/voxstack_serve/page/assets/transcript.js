// The text, whose words light up as they are spoken.

import { element } from "./dom.js";

const SECONDS = 20; // of words that are placed ahead of what is spoken: a long text stays light
const CHARACTERS = 2000; // of the text after them

export class Transcript {
  #track = null;
  #spans = []; // the element of each word
  #shown = 0; // words that have an element
  #done = 0; // characters before the rest
  #current = -1;
  #rest = document.createTextNode("");

  constructor(parent, seek) {
    this.parent = parent;
    parent.addEventListener("click", (event) => {
      const index = this.#spans.indexOf(event.target);
      if (index >= 0) seek(this.#track.words[index].start);
    });
  }

  /** Show the text of a track: as written, or where it has markup, by its words as they arrive. */
  show(track) {
    this.#track = track;
    this.#spans = [];
    this.#shown = this.#done = 0;
    this.#current = -1;
    this.characters = track.spans ? Array.from(track.text) : []; // spans count characters, not UTF-16 units
    this.#rest = document.createTextNode("");
    this.parent.replaceChildren(this.#rest);
    this.#showRest();
    this.parent.scrollTop = 0;
  }

  /** Show no text. */
  clear() {
    this.#track = null;
    this.#spans = [];
    this.parent.replaceChildren();
  }

  /** Add the words that have arrived, up to some that come after a time. */
  update(time) {
    const words = this.#track.words;
    const added = [];
    for (; this.#shown < words.length && words[this.#shown].start < time + SECONDS; this.#shown++) {
      this.#spans.push(this.#place(words[this.#shown], added));
    }
    if (!added.length) return;
    this.#rest.before(...added);
    this.#showRest();
  }

  #showRest() {
    const rest = this.characters.slice(this.#done, this.#done + CHARACTERS).join("");
    this.#rest.data = this.#done + CHARACTERS < this.characters.length ? `${rest}…` : rest;
  }

  /** Light the word that is spoken at a time. */
  moveTo(time) {
    if (!this.#track) return;
    this.update(time);
    const index = this.#track.wordAt(time);
    if (index === this.#current) return;
    const low = Math.min(index, this.#current), high = Math.max(index, this.#current);
    for (let i = Math.max(0, low); i <= high; i++) this.#spans[i]?.classList.toggle("spoken", i <= index);
    this.#spans[this.#current]?.classList.remove("now");
    const found = this.#spans[index];
    found?.classList.add("now");
    this.#current = index;
    if (found) this.#keepVisible(found);
  }

  /** Light no word. */
  rest() {
    this.#spans[this.#current]?.classList.remove("now");
  }

  #keepVisible(word) {
    const { parent } = this;
    const place = word.offsetTop - parent.offsetTop;
    if (place < parent.scrollTop || place > parent.scrollTop + parent.clientHeight - 1.6 * word.offsetHeight) {
      parent.scrollTop = place - parent.clientHeight / 3;
    }
  }

  /** Return the element of a word, a new one if it has a place of its own in the text. */
  #place(word, added) {
    if (!this.#track.spans || !word.span) {
      if (!this.#done) this.characters = []; // the words are all that is shown
      const found = element("span", { className: "word", textContent: word.text });
      added.push(found, " ");
      return found;
    }
    const [start, end] = word.span;
    if (start < this.#done) return this.#spans.at(-1);
    const found = element("span", { className: "word", textContent: this.characters.slice(start, end).join("") });
    added.push(this.characters.slice(this.#done, start).join(""), found);
    this.#done = end;
    return found;
  }
}
