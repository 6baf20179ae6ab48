// The stack of a voice as a graph of nested blocks, with the time of each in one request.

import { element, seconds } from "./dom.js";

export class StackGraph {
  constructor(parent) {
    this.parent = parent;
    this.bars = new Map(); // by path
  }

  /** Show the blocks of a voice, as the service describes them. */
  show({ stack, networks }) {
    this.bars.clear();
    this.parent.replaceChildren(element("ol", { className: "blocks" }, this.#block(stack, networks)));
  }

  /** Show the times of a request, in bars whose full length is `scale` seconds; null shows none. */
  time(trace, scale) {
    const rows = new Map((trace?.blocks ?? []).map((row) => [row.path, row]));
    for (const [path, { bar, text, node }] of this.bars) {
      const row = rows.get(path);
      const whole = node.blocks.length ? inside(node, rows) : row?.seconds;
      text.textContent = whole === undefined || !trace ? "" : seconds(whole);
      text.title = row ? `${seconds(row.seconds)} of its own in ${row.calls} calls` : "";
      const share = (value) => `${Math.min(100, (100 * value) / scale).toFixed(2)}%`;
      bar.style.setProperty("--first", share(row?.first ?? 0));
      bar.style.setProperty("--all", share(row?.seconds ?? 0));
      bar.hidden = !row;
    }
  }

  #block(node, networks) {
    const text = element("span", { className: "time" });
    const bar = element("span", { className: "bar", hidden: true, "aria-hidden": "true" });
    this.bars.set(node.path, { bar, text, node });
    const name = element("span", { className: "name", textContent: node.type, title: node.path });
    const head = element("div", { className: "head" }, name, text, bar);
    const found = element("li", { className: `block ${node.kind} ${node.blocks.length ? "composite" : "leaf"}` }, head);
    for (const network of node.networks) found.append(this.#network(network, networks[network]));
    if (node.blocks.length) {
      const chain = node.blocks.length > 1 && node.blocks.every((inner) => !inner.blocks.length);
      const blocks = node.blocks.map((inner) => this.#block(inner, networks));
      found.append(element("ol", { className: chain ? "blocks chain" : "blocks" }, ...blocks));
    } else if (node.makes) {
      const ratio = node.hop === 1 ? "" : ` × ${Number(node.hop.toFixed(2))}`;
      const ahead = node.lookahead ? `, looks ${node.lookahead} ahead` : "";
      found.append(element("p", { className: "makes", textContent: `${node.makes}${ratio}${ahead}` }));
    }
    return found;
  }

  #network(name, network) {
    const place = `${network.runtime}:${network.device}`;
    const summary = element("summary", {}, element("b", { textContent: name }), ` ${place} `, element("i", { textContent: network.form }));
    const rows = [
      ["Role", network.role],
      ["Provider", network.provider ?? "not reported"],
      ["Threads", `${network.threads}, ${network.precision}`],
      ["Inputs", axes(network.inputs)],
      ["Outputs", axes(network.outputs)],
      ...Object.entries(network.sizes).map(([axis, sizes]) => [`Sizes of ${axis}`, sizes.join(", ")]),
    ];
    const list = rows.flatMap(([term, value]) => [element("dt", { textContent: term }), element("dd", { textContent: value })]);
    return element("details", { className: "network" }, summary, element("dl", {}, ...list));
  }
}

/** Return the seconds of a block and all blocks inside it. */
function inside(node, rows) {
  return node.blocks.reduce((sum, inner) => sum + inside(inner, rows), rows.get(node.path)?.seconds ?? 0);
}

function axes(tensors) {
  return Object.entries(tensors).map(([name, shape]) => `${name} (${shape.join(", ")})`).join("; ");
}
