/* The sweeps over drop rate, width and training examples: read any point of them. */
"use strict";

window.Explorables.sweeps = (() => {
  const math = window.Explorables;
  const { html, svg, number, picture, slider, choice, text } = math.parts;

  /* The numbers come from the page: a cell has written them there when it ran. */
  const source = document.getElementById("sweeps");
  const SWEEPS = source ? JSON.parse(source.dataset.sweeps) : {};

  const WIDTH = 360, HEIGHT = 304, LEFT = 34, RIGHT = 344, TOP = 34, BASE = 240;
  const MARKS = [
    (x, y) => svg("circle", { cx: x, cy: y, r: 5, class: "ex-curve-0" }),
    (x, y) => svg("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9, class: "ex-curve-1" }),
  ];

  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const interval = ([mean, low, high], write) => `${write(mean)} [${write(low)}, ${write(high)}]`;

  /* Where things stand: a function for each axis. The error's axis has a tick at every
     ten points and holds all intervals. */
  function scales({ at, lines }) {
    const errors = lines.flatMap(({ error }) => error.flat());
    const low = 10 * Math.floor(Math.min(...errors) / 10);
    const high = 10 * Math.ceil(Math.max(...errors) / 10);
    const first = at[0], last = at.at(-1), inset = 14;
    return {
      low, high,
      x: (v) => LEFT + inset + ((v - first) / (last - first)) * (RIGHT - LEFT - 2 * inset),
      y: (v) => BASE - ((v - low) / (high - low)) * (BASE - TOP),
    };
  }

  function build() {
    const kind = choice("Sweep", Object.keys(SWEEPS), () => {
      const { labels } = SWEEPS[kind.value];
      place.input.max = labels.length - 1;
      place.set(Math.min(place.value, labels.length - 1));
      render();
    });
    const spot = (i) => `${SWEEPS[kind.value].axis}: ${SWEEPS[kind.value].labels[i]}`;
    const last = SWEEPS[kind.value].labels.length - 1;
    const place = slider("At", { min: 0, max: last, step: 1, value: 2 }, spot, () => render());
    const plot = picture(WIDTH, HEIGHT, "ex-plot");
    const status = html("p", { role: "status", class: "ex-says" });
    const note = html("p", {}, "Means over seeds with 95\u00a0% intervals; changes are paired, against no dropout.");
    const body = html("tbody");
    const column = (name) => html("th", { scope: "col" }, name);
    const table = html("table", { class: "ex-numbers" },
      html("thead", {}, html("tr", {}, html("td"), column("error, %"), column("change, points"))),
      body);

    function render() {
      const sweep = SWEEPS[kind.value], { axis, labels, at, lines } = sweep;
      const now = place.value, { low, high, x, y } = scales(sweep);

      const ticks = [];
      for (let v = low; v <= high; v += 10) {
        ticks.push(svg("path", { class: "ex-track", d: `M${LEFT} ${y(v)}H${RIGHT}` }),
          text(LEFT - 5, y(v) + 4, v, { "text-anchor": "end" }));
      }
      // A name too near the one before it stands a line lower.
      const lower = (i) => (i && x(at[i]) - x(at[i - 1]) < 9 * labels[i].length ? 16 : 0);
      const names = labels.map((name, i) =>
        text(x(at[i]), BASE + 17 + lower(i), name, { "text-anchor": "middle", class: i === now && "ex-strong" }));
      const curves = lines.flatMap(({ error }, l) => [
        svg("path", { class: `ex-curve-${l}`, d: "M" + error.map(([mean], i) => `${x(at[i])} ${y(mean)}`).join("L") }),
        ...error.map(([, from, to], i) =>
          svg("path", { class: `ex-curve-${l}`, d: `M${x(at[i])} ${y(from)}V${y(to)}` })),
        ...error.map(([mean], i) => MARKS[l](x(at[i]), y(mean))),
      ]);
      const legend = lines.flatMap(({ name }, l) => [
        MARKS[l](LEFT + 12 + 150 * l, 14), text(LEFT + 22 + 150 * l, 18, name)]);
      // Bands to point at, each up to half-way to its neighbours.
      const middle = (i) => (x(at[i]) + x(at[i + 1])) / 2;
      const bands = at.map((_, i) => {
        const from = i ? middle(i - 1) : LEFT, to = i < at.length - 1 ? middle(i) : RIGHT;
        return svg("rect", { class: "ex-band ex-pointer", x: from, width: to - from,
          y: TOP, height: BASE - TOP, onclick: () => {
            place.set(i);
            render();
          } });
      });
      plot.show(
        `Test error over ${axis}: ` + lines.map(({ name, error }) =>
          `${name}, from ${number(error[0][0])} to ${number(error.at(-1)[0])} per cent`).join("; ") + ".",
        ...ticks, ...names,
        svg("path", { class: "ex-now-line", d: `M${x(at[now])} ${TOP}V${BASE}` }),
        ...curves, ...legend,
        text((LEFT + RIGHT) / 2, HEIGHT - 6, `test error (%) over ${axis}`, { "text-anchor": "middle" }),
        ...bands,
      );

      body.replaceChildren(...lines.map(({ name, error, change }) =>
        html("tr", {}, html("th", { scope: "row" }, name),
          html("td", {}, interval(error[now], number)),
          html("td", {}, change[now].some(Boolean) ? interval(change[now], signed) : "no dropout"))));
      status.textContent = `At ${spot(now)}. ` + lines.map((line) => words(line, now)).join(" ");
    }

    function words({ name, error, change, besides }, now) {
      const is = `${name}: ${number(error[now][0])}\u00a0% wrong`;
      const [mean, low, high] = change[now];
      if (!change[now].some(Boolean)) return `${is}, without dropout.`;
      const side = low > 0 ? "dropout harms" : high < 0 ? "dropout helps" : "the seeds do not decide";
      const also = besides && low * high > 0 ? ` ${besides}` : "";
      return `${is}, ${signed(mean)} points against no dropout: ${side}${also}.`;
    }

    render();
    return [
      html("div", { class: "ex-controls" }, kind.node, place.node),
      html("div", { class: "ex-panels" }, plot.node,
        html("div", { class: "ex-side" }, status, table, note)),
    ];
  }

  if (source) math.parts.mount("fig-01-sweeps", "Sweeps over rate, width and data", build);
  return { SWEEPS, scales };
})();
