/* What the explorables share: elements, controls, the drawing of a network, and the
   exchange of a static picture for a live one. */
"use strict";

window.Explorables.parts = (() => {
  /* Attributes and listeners ("onclick" and the like) in one object. No style
     attributes and no markup from strings: a strict content security policy holds. */
  function make(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== false));
    return node;
  }
  const html = (tag, attributes = {}, ...children) =>
    make(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const number = (value, digits = 2) => {
    const text = value.toFixed(digits);
    return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
  };

  /* A picture: its description changes with what it shows. */
  function picture(width, height, name) {
    const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: name });
    return {
      node,
      show(description, ...children) {
        node.setAttribute("aria-label", description);
        node.replaceChildren(...children.filter(Boolean));
      },
    };
  }

  /* Controls. Each returns its element and a way to read or set it. */
  function slider(label, { min, max, step, value }, say, oninput) {
    const output = html("b");
    const input = html("input", { type: "range", min, max, step, value });
    const set = (next) => {
      input.value = next;
      output.textContent = say(input.valueAsNumber);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      set(input.value);
      oninput();
    });
    set(value);
    const node = html("label", { class: "ex-slider" }, html("span", {}, label, " ", output), input);
    return { node, input, set, get value() { return input.valueAsNumber; } };
  }

  const button = (label, onclick) => html("button", { type: "button", onclick }, label);

  function toggle(label, checked, onchange) {
    const input = html("input", { type: "checkbox", checked, onchange });
    return { node: html("label", { class: "ex-choice" }, input, label), get value() { return input.checked; } };
  }

  let groups = 0;
  function choice(legend, options, onchange) {
    const name = `ex-choice-${++groups}`;
    const inputs = options.map((value, i) =>
      html("input", { type: "radio", name, value, checked: i === 0, onchange }),
    );
    const labels = inputs.map((input) => html("label", { class: "ex-choice" }, input, input.value));
    return {
      node: html("fieldset", {}, html("legend", {}, legend), ...labels),
      get value() { return inputs.find((input) => input.checked).value; },
    };
  }

  /* The mark of a unit, as companion.plots.draw_network makes it: filled when kept,
     crossed out when dropped. */
  function unit(x, y, kept, { radius = 9, text = "", onclick } = {}) {
    const arm = 0.45 * radius;
    const mark = kept
      ? text && svg("text", { x, y, class: "ex-unit-text" }, text)
      : svg("path", {
          class: "ex-cross",
          d: `M${x - arm} ${y - arm}l${2 * arm} ${2 * arm}m0 ${-2 * arm}l${-2 * arm} ${2 * arm}`,
        });
    const group = svg("g", { class: onclick && "ex-pointer" },
      svg("circle", { cx: x, cy: y, r: radius, class: kept ? "ex-kept" : "ex-dropped" }), mark);
    if (onclick) group.addEventListener("click", onclick);
    return group;
  }

  /* A network from layers {x, keep, radius, texts, onclick}: units spread over the
     height, a line where both ends are kept. width(layer, i) is the width of the
     lines that leave unit i. */
  function network(layers, height, width = () => 1) {
    const place = layers.map(({ keep }) =>
      keep.map((_, i) => ((i + 1) * height) / (keep.length + 1)),
    );
    const lines = layers.slice(1).flatMap((layer, l) =>
      layers[l].keep.flatMap((from, i) =>
        layer.keep.map((to, j) => from && to && svg("line", {
          x1: layers[l].x, y1: place[l][i], x2: layer.x, y2: place[l + 1][j],
          class: "ex-line", "stroke-width": width(l, i),
        })),
      ),
    );
    const units = layers.flatMap(({ x, keep, radius, texts = [], onclick }, l) =>
      keep.map((kept, i) => unit(x, place[l][i], kept, {
        radius, text: texts[i], onclick: onclick && (() => onclick(i)),
      })),
    );
    return [...lines.filter(Boolean), ...units];
  }

  const text = (x, y, content, attributes = {}) => svg("text", { x, y, ...attributes }, content);

  /* Put a live picture into a figure, in place of its static one, which stays for
     print. Without this figure on the page nothing happens. */
  function mount(figureId, label, build) {
    const figure = document.getElementById(figureId);
    if (!figure) return;
    const node = html("div", { class: "explorable", role: "group", "aria-label": label });
    node.append(...build());
    figure.prepend(node);
    figure.classList.add("ex-live");
  }

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  return { html, svg, number, picture, slider, button, toggle, choice, network, text, mount, calm };
})();
