// The page: a text, one voice or two, and what they speak.

import { get, hasKey, setKey } from "./api.js";
import { Controls } from "./controls.js";
import { byId, element, oncePerFrame, seconds } from "./dom.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Track } from "./track.js";

const NARROW = "(max-width: 860px)"; // as in style.css: one column

const player = new Player();
const panels = { a: new Panel("a", byId("panels")), b: new Panel("b", byId("panels")) };
const controls = new Controls(byId("control-fields"));
const voices = new Map(); // by id
let request = null; // the AbortController of the request that runs

const compares = () => byId("compare").checked;
const sides = () => (compares() ? ["a", "b"] : ["a"]);
const chosen = (side) => ({ voice: byId(`voice-${side}`).value, context: byId(`context-${side}`).value });

async function start() {
  let found;
  try {
    found = await get("/v1/audio/voices");
  } catch (error) {
    return fail(error);
  }
  lock(false);
  for (const voice of found.voices) voices.set(voice.id, voice);
  if (!voices.size) return fail(new Error("There is no voice to speak with now. Reload the page when there is one."));
  fillChoices(found);
  clearError();
  byId("speak").disabled = false;
  state("Ready");
  await Promise.all(sides().map(describe));
}

function fillChoices({ voices: list, contexts }) {
  const tongues = new Set(list.map(({ languages }) => languages.join(", ")));
  for (const side of ["a", "b"]) {
    const label = ({ id, languages }) => (tongues.size > 1 && languages.length ? `${id} (${languages.join(", ")})` : id);
    const options = list.map((voice) => element("option", { value: voice.id, textContent: label(voice) }));
    byId(`voice-${side}`).replaceChildren(...options);
    const names = contexts.map((name) => element("option", { value: name, textContent: name }));
    byId(`context-${side}`).replaceChildren(element("option", { value: "", textContent: "default" }), ...names);
  }
  document.body.classList.toggle("one-context", !contexts.length);
  if (contexts.length) byId("context-b").value = contexts[0];
  else if (list.length > 1) byId("voice-b").value = list[1].id;
}

async function describe(side) {
  const { voice, context } = chosen(side);
  const { track } = panels[side];
  const outdated = track && (track.voice !== voice || track.context !== context);
  if (outdated && (request || player.track === track)) stop();
  try {
    const schemas = await controlsOf(voice);
    if (side === "a" && voice === chosen("a").voice) byId("controls").hidden = !controls.show(schemas);
    await panels[side].describe(voice, context);
  } catch (error) {
    fail(error);
  }
}

/** Return the schemas of the controls of a voice. */
async function controlsOf(voice) {
  const found = voices.get(voice);
  found.controls ??= (await get(`/v1/audio/voices/${encodeURIComponent(voice)}/controls`)).controls;
  return found.controls;
}

/** Speak the text: one side after the other, so that none is slowed down by the other. */
async function speak() {
  stop();
  clearError();
  const mine = (request = new AbortController());
  byId("stop").disabled = false;
  mark("a");
  const tracks = sides().map((side) => newTrack(side));
  if (matchMedia(NARROW).matches) panels.a.root.scrollIntoView();
  state("Speaking");
  try {
    for (const track of tracks) player.prepare(track.rate);
    for (const track of tracks) await receive(track, mine.signal);
    state(player.track ? `Synthesized in ${tracks.map((track) => seconds(track.took)).join(" and ")}` : "Ready");
  } catch (error) {
    if (error.name !== "AbortError") fail(error); // what has arrived is still spoken
  } finally {
    if (mine === request) request = null;
    idle();
  }
}

function newTrack(side) {
  const { voice, context } = chosen(side);
  const text = byId("text").value, spans = byId("markup").value === "text";
  const track = new Track({ side, voice, context, text, spans, rate: voices.get(voice).sample_rate });
  panels[side].show(track);
  return track;
}

async function receive(track, signal) {
  const { voice, context, text } = track;
  let begun = track.side !== "a"; // the other side is heard when it is chosen
  track.addEventListener("change", () => {
    if (begun || !track.length) return player.pump();
    begun = true;
    player.play(track);
  });
  const own = controls.values(await controlsOf(voice));
  const format = { response_format: "pcm", sample_rate: track.rate, stream_format: "sse" };
  const body = { model: "voxstack", voice, input: text, markup: byId("markup").value, ...format, words: true, trace: true, ...own };
  await track.receive(context ? { ...body, context } : body, signal);
}

function stop() {
  request?.abort();
  request = null;
  player.stop();
}

function idle() {
  byId("stop").disabled = !request && !player.track;
}

/** Mark the side that is heard. */
function mark(side) {
  document.querySelector(`[name="listen"][value="${side}"]`).checked = true;
}

/** Let the side that is heard be another one, which goes on at the same word. */
function listen(side) {
  mark(side);
  const from = player.track, to = panels[side].track;
  if (!from || !to?.length || from === to) return;
  player.play(to, from.timeIn(to, player.position()));
}

function state(text) {
  byId("status").textContent = text;
}

function fail(error) {
  if (error.status === 401) lock(true);
  if (error.status === 401 && !hasKey()) return state("Waiting for a key");
  byId("error").textContent = error.status === 401 ? "The service does not accept this key." : error.message;
  byId("error").hidden = false;
  byId("error").scrollIntoView({ block: "nearest" });
  state("Stopped by an error");
}

/** Ask for a key, without which nothing else works, or no longer. */
function lock(locked) {
  document.body.classList.toggle("locked", locked);
  byId("key-form").hidden = !locked;
  if (locked) byId("key").focus();
}

function clearError() {
  byId("error").hidden = true;
}

const follow = oncePerFrame(() => {
  player.pump();
  const { track } = player;
  if (!track) return;
  moveTo(track, player.position());
  follow();
});

/** Show a time in the track that is heard, and the same word in the other one. */
function moveTo(track, position) {
  for (const side of sides()) {
    const other = panels[side].track;
    if (other) panels[side].moveTo(other === track ? position : track.timeIn(other, position));
  }
}

player.addEventListener("change", () => {
  idle();
  for (const side of ["a", "b"]) panels[side].hear(player.track?.side === side);
  if (player.track) follow();
});
player.addEventListener("ended", ({ detail: track }) => {
  moveTo(track, track.duration);
  if (!request && byId("error").hidden) state("Ready");
});
for (const side of ["a", "b"]) {
  byId(`voice-${side}`).addEventListener("change", () => describe(side));
  byId(`context-${side}`).addEventListener("change", () => describe(side));
  panels[side].addEventListener("seek", ({ detail }) => {
    mark(side);
    player.play(panels[side].track, detail);
    state("Speaking");
  });
  panels[side].addEventListener("stop", () => byId("stop").click());
  panels[side].addEventListener("timed", () => {
    if (!compares()) return;
    panels.a.compareWith(panels.b);
    panels.b.compareWith(panels.a);
  });
}
byId("speech").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byId("speak").disabled) speak();
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value);
  start();
});
byId("stop").addEventListener("click", () => {
  stop();
  idle();
  state("Stopped");
});
byId("reset").addEventListener("click", () => controls.reset());
byId("listen").addEventListener("change", (event) => listen(event.target.value));
byId("compare").addEventListener("change", () => {
  document.body.classList.toggle("comparing", compares());
  if (!compares()) listen("a");
  if (matchMedia(NARROW).matches) for (const panel of Object.values(panels)) panel.fold(compares()); // to reach the other
  panels.b.spectrogram.draw();
  if (compares() && voices.size) describe("b");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("speech").requestSubmit();
  if (event.key === "Escape" && !byId("stop").disabled) byId("stop").click();
});
byId("controls").open = !matchMedia(NARROW).matches;
byId("speak").disabled = true;
start();
