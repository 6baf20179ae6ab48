// Elements and figures.

/** Return a new element; properties whose name has a dash are attributes. */
export function element(tag, properties = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") found.setAttribute(name, value);
    else found[name] = value;
  }
  found.append(...children);
  return found;
}

export const byId = (id) => document.getElementById(id);

/** Return seconds as people read them: 8.2 ms, 312 ms, 1.84 s. */
export function seconds(value) {
  if (value >= 1) return `${value.toFixed(2)} s`;
  const milliseconds = 1000 * value;
  return `${milliseconds.toFixed(milliseconds >= 100 ? 0 : milliseconds >= 1 ? 1 : 2)} ms`;
}

/** Call a function with the latest arguments once per frame. */
export function oncePerFrame(work) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      work();
    });
  };
}
