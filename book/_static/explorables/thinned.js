/* 2^n networks: every thinned network on one line, and three averages of them. */
"use strict";

window.Explorables.thinned = (() => {
  const math = window.Explorables;
  const { html, svg, number, picture, slider, button, choice, network, text } = math.parts;

  /* Up to six masked units of value 1; the figure of chapter 4 has the same weights.
     Two classes with the logits (z, 0), so that one number is the prediction. */
  const A = [2, 0.5, -0.5, 1, -1.5, -0.5];
  const U = [[1.5, 0.5, -1], [0.5, 2, 1.5], [-0.5, -1.5, -0.5],
    [1.5, -0.5, 1.5], [-0.5, -1, -1], [0.5, 1.5, 0.5]];
  const V = [1.5, -1.5, -2];
  const BIAS = -0.5;

  const pad = (v) => v.map((w) => [w, 0]);
  const softmaxOnly = (y) => math.logSoftmax(math.linear(y, pad(A.slice(0, y.length)), [BIAS, 0]));
  const withRelu = (y) => {
    const hidden = math.relu(math.linear(y, U.slice(0, y.length), [0, 0, 0]));
    return math.logSoftmax(math.linear(hidden, pad(V), [BIAS, 0]));
  };

  /* The prediction of every thinned network, its probability, and the averages. */
  function ensemble(net, n, p) {
    const ones = Array(n).fill(1), masks = math.allMasks(n);
    const logs = masks.map((mask) => net(math.dropoutForward(ones, mask, p)));
    const prob = math.maskProbabilities(masks, p);
    return {
      masks, prob, predictions: logs.map(([first]) => Math.exp(first)),
      arithmetic: math.arithmeticMean(logs, prob)[0],
      geometric: math.geometricMean(logs, prob)[0],
      full: Math.exp(net(ones)[0]),
    };
  }

  const HEIGHT = 262, LEFT = 14, WIDTH = 332, BASE = 120, TOP = 14;
  const at = (P) => LEFT + P * WIDTH;
  const ROWS = [
    ["arithmetic", "arithmetic mean", (x, y) => svg("circle", { cx: x, cy: y, r: 6, class: "ex-arithmetic" })],
    ["geometric", "geometric mean", (x, y) => svg("path", { d: `M${x} ${y - 7}l7 13h-14z`, class: "ex-geometric" })],
    ["full", "weight scaling", (x, y) => svg("path", { d: `M${x} ${y - 7}l7 7l-7 7l-7 -7z`, class: "ex-weights" })],
  ];

  const SUPER = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶"];

  function build() {
    const kind = choice("Above the mask", ["softmax only", "ReLU layer, then softmax"], () => render());
    const size = slider("Masked units", { min: 1, max: 6, step: 1, value: 4 },
      (n) => `n = ${n}`, () => {
        walk.input.max = 2 ** size.value - 1;
        walk.set(walk.value);
        render();
      });
    const rate = slider("Drop rate", { min: 0, max: 0.8, step: 0.05, value: 0.3 },
      (p) => `p = ${number(p)}`, () => render());
    const walk = slider("Thinned network", { min: 0, max: 15, step: 1, value: 11 },
      (k) => `${k + 1} of ${2 ** size.value}`, () => render());
    const go = (step) => {
      const count = 2 ** size.value;
      walk.set((walk.value + step + count) % count);
      render();
    };
    const net = picture(260, HEIGHT, "ex-network");
    const plot = picture(360, HEIGHT, "ex-plot");
    const status = html("p", { role: "status", class: "ex-says" });

    function render() {
      const n = size.value, p = rate.value, k = walk.value, reluAbove = kind.value !== "softmax only";
      const all = ensemble(reluAbove ? withRelu : softmaxOnly, n, p);
      const mask = all.masks[k], prediction = all.predictions[k];

      const layers = [{
        x: 30, keep: mask, radius: 12, texts: mask.map((_, i) => i + 1),
        onclick: (i) => {
          walk.set(k ^ (1 << i));
          render();
        },
      }];
      if (reluAbove) layers.push({ x: 125, keep: [true, true, true] });
      layers.push({ x: 215, keep: [true], radius: 20, texts: [number(prediction)] });
      const names = mask.flatMap((kept, i) => (kept ? [i + 1] : []));
      const keeps =
        names.length === n ? "keeps every unit"
        : names.length === 0 ? "keeps no unit"
        : `keeps unit${names.length > 1 ? "s" : ""} ${names.join(", ")}`;
      net.show(`Thinned network ${k + 1} of ${2 ** n} ${keeps}.`,
        ...network(layers, HEIGHT - 20),
        text(6, HEIGHT - 6, "tap to switch"),
        reluAbove && text(125, HEIGHT - 6, "ReLU", { "text-anchor": "middle" }),
        text(215, HEIGHT - 6, "prediction", { "text-anchor": "middle" }));

      const tallest = Math.max(...all.prob);
      const stem = (i, name) => {
        const x = at(all.predictions[i]), y = BASE - (all.prob[i] / tallest) * (BASE - TOP);
        return svg("g", { class: name }, svg("path", { d: `M${x} ${BASE}V${y}` }),
          svg("circle", { cx: x, cy: y, r: name === "ex-stem" ? 3 : 5 }));
      };
      const rows = ROWS.flatMap(([key, label, mark], i) => {
        const y = 178 + 27 * i, x = at(all[key]), left = all[key] > 0.5;
        return [
          svg("path", { class: "ex-track", d: `M${LEFT} ${y}H${LEFT + WIDTH}` }),
          mark(x, y),
          text(left ? x - 13 : x + 13, y + 4, `${label} ${number(all[key], 3)}`,
            { "text-anchor": left ? "end" : "start", class: "ex-on-track" }),
        ];
      });
      const meet = Math.abs(all.geometric - all.full) < 1e-9;
      const same = meet && Math.abs(all.arithmetic - all.full) < 1e-9;
      const averages = ROWS.map(([key, label]) => `${label} ${number(all[key], 3)}`).join(", ");
      plot.show(`Predictions of ${2 ** n} thinned networks between 0 and 1, and their averages: ${averages}.`,
        svg("path", { class: "ex-axis", d: `M${LEFT} ${BASE}H${LEFT + WIDTH}` }),
        ...[0, 0.25, 0.5, 0.75, 1].map((P) => text(at(P), BASE + 15, P, { "text-anchor": "middle" })),
        svg("path", { class: "ex-full", d: `M${at(all.full)} ${TOP - 6}V242` }),
        text(LEFT + WIDTH / 2, BASE + 32, "prediction; height: probability of the network",
          { "text-anchor": "middle", class: "ex-on-track" }),
        ...all.masks.map((_, i) => stem(i, "ex-stem")), stem(k, "ex-stem-now"), ...rows);

      const verdict = same
        ? "All three averages are the same here. "
        : meet
          ? "Geometric mean and weight scaling meet exactly; the arithmetic mean lies apart. "
          : "All three part: with a ReLU above the mask, one pass of the full network is neither mean. ";
      const kept = names.length;
      const power = (base, e) => `${number(base)}${e === 1 ? "" : SUPER[e]}`;
      const product = [kept && power(1 - p, kept), n - kept && power(p, n - kept)].filter(Boolean).join(" · ");
      status.textContent = `${verdict}Network ${k + 1} ${keeps}: it has the probability ${product} = ${number(all.prob[k], 4)} and predicts ${number(prediction, 3)}.`;
    }

    render();
    return [
      html("div", { class: "ex-controls" }, kind.node, size.node, rate.node),
      html("div", { class: "ex-panels" }, net.node, plot.node),
      html("div", { class: "ex-controls" },
        walk.node, button("Previous", () => go(-1)), button("Next", () => go(1))),
      status,
    ];
  }

  math.parts.mount("fig-04-thinned", "2^n networks", build);
  return { A, U, V, BIAS, softmaxOnly, withRelu, ensemble };
})();
