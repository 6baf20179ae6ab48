// Requests to the service.

const KEY = "voxstack-key";

export class ServiceError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

export const hasKey = () => sessionStorage.getItem(KEY) !== null;

function headers(more = {}) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...more, authorization: `Bearer ${key}` } : more;
}

/** Return the JSON at a path. */
export async function get(path) {
  const response = await request(path, { headers: headers() });
  return response.json();
}

/** Yield the events of a request for speech; leaving the loop, or the signal, ends it on the service, too. */
export async function* speech(body, signal) {
  const options = { method: "POST", headers: headers({ "content-type": "application/json" }), signal };
  const response = await request("/v1/audio/speech", { ...options, body: JSON.stringify(body) });
  const reader = response.body.getReader();
  try {
    yield* events(reader);
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, "The service does not answer. Check that it runs, and try again.");
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function errorOf(response) {
  const text = await response.text();
  try {
    return new ServiceError(response.status, JSON.parse(text).error.message);
  } catch {
    return new ServiceError(response.status, `The service answered with the status ${response.status}.`);
  }
}

/** Yield the server-sent events of a body. */
async function* events(reader) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(brokenOff);
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = JSON.parse(part.replace(/^data: /, ""));
      if (event.error) throw new ServiceError(0, event.error.message);
      yield event;
      if (event.type === "speech.audio.done") return;
    }
    if (done) brokenOff();
  }
}

function brokenOff(error) {
  if (error?.name === "AbortError") throw error;
  throw new ServiceError(0, "The speech broke off: the connection ended before its last part. Speak it again.");
}
