// The controls of a voice, by their JSON Schemas.

import { element } from "./dom.js";

export class Controls {
  #fields = new Map(); // name: { input, read, reset }

  constructor(parent) {
    this.parent = parent;
  }

  /** Show controls; values of those that another voice had, too, are kept. */
  show(schemas) {
    const before = this.values();
    this.#fields.clear();
    const rows = Object.entries(schemas).map(([name, schema]) => this.#row(name, schema, before[name]));
    this.parent.replaceChildren(...rows.filter(Boolean));
    return this.#fields.size;
  }

  /** Return the values that differ from their defaults; those that the schemas of a voice have. */
  values(schemas = null) {
    const found = {};
    for (const [name, { read }] of this.#fields) {
      const value = read();
      if (value !== undefined && (!schemas || name in schemas)) found[name] = value;
    }
    return found;
  }

  /** Set all to their defaults. */
  reset() {
    for (const { reset } of this.#fields.values()) reset();
  }

  #row(name, schema, value) {
    const id = `control-${name}`, hint = `${id}-hint`;
    const output = element("output", { for: id });
    const field = fieldOf(schema, output);
    if (!field) return null;
    Object.assign(field.input, { id });
    field.input.setAttribute("aria-describedby", hint);
    if (value !== undefined) field.write(value);
    field.show();
    this.#fields.set(name, field);
    const title = name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
    const label = element("label", { for: id }, title, output);
    return element("div", { className: "control" }, label, field.input, element("small", { id: hint, textContent: schema.description ?? "" }));
  }
}

/** Return the field for a schema, or null for one that the page has no field for. */
function fieldOf(schema, output) {
  if (schema.enum) return choice(schema);
  if (schema.type === "boolean") return toggle(schema);
  if (schema.type === "string") return typed(schema, "text", (text) => text);
  if (schema.type !== "number" && schema.type !== "integer") return null;
  const bounded = schema.minimum !== undefined && schema.maximum !== undefined;
  return bounded && schema.maximum - schema.minimum <= 1000 ? slider(schema, output) : typed(schema, "number", Number);
}

function slider(schema, output) {
  const { minimum, maximum, default: preset = minimum } = schema;
  const step = schema.type === "integer" ? 1 : maximum - minimum > 20 ? 0.5 : 0.05;
  const input = element("input", { type: "range", min: minimum, max: maximum, step, value: preset });
  const exact = () => Number(Number(input.value).toFixed(4));
  const show = () => (output.textContent = String(exact()));
  input.addEventListener("input", show);
  const write = (value) => ((input.value = value), show());
  const first = exact(); // the place of the default: it may lie between two steps
  return { input, show, write, read: () => (exact() === first ? undefined : exact()), reset: () => write(preset) };
}

function choice(schema) {
  const options = schema.enum.map((value, index) => element("option", { value: index, textContent: String(value) }));
  const input = element("select", {}, ...options);
  const preset = Math.max(0, schema.enum.indexOf(schema.default));
  const write = (value) => (input.value = Math.max(0, schema.enum.indexOf(value)));
  input.value = preset;
  const read = () => (Number(input.value) === preset ? undefined : schema.enum[Number(input.value)]);
  return { input, write, read, show: () => {}, reset: () => (input.value = preset) };
}

function toggle(schema) {
  const preset = schema.default ?? false;
  const input = element("input", { type: "checkbox", checked: preset });
  const read = () => (input.checked === preset ? undefined : input.checked);
  return { input, read, show: () => {}, write: (value) => (input.checked = value), reset: () => (input.checked = preset) };
}

function typed(schema, type, convert) {
  const preset = schema.default === undefined ? "" : String(schema.default);
  const input = element("input", { type, value: preset, placeholder: preset || "as the voice decides" });
  if (type === "number") input.step = schema.type === "integer" ? 1 : "any";
  const read = () => (input.value === "" || input.value === preset ? undefined : convert(input.value));
  return { input, read, show: () => {}, write: (value) => (input.value = value), reset: () => (input.value = preset) };
}
