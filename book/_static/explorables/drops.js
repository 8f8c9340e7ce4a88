/* A network that drops: what one unit of the next layer receives, over many masks. */
"use strict";

window.Explorables.drops = (() => {
  const math = window.Explorables;
  const { html, svg, number, picture, slider, button, toggle, choice, network, text, calm } =
    math.parts;

  /* What each hidden unit sends to the next one, weight times activation; the figure
     of chapter 3 has the same numbers. */
  const TERMS = [0.6, 0.8, 0.5, 0.3, 0.4, 0.7, 0.2, 0.5];
  const FULL = math.sum(TERMS);
  const SEED = 3, FIRST = 200, RUN = 500, SECONDS = 4;
  const HEIGHT = 280;

  /* The histogram: bins centred on multiples of STEP, the last one for all beyond. */
  const STEP = 0.4, BINS = 26, LEFT = 12, WIDTH = 336, BASE = 235, TOP = 75;
  const at = (z) => LEFT + (z / STEP + 0.5) * (WIDTH / BINS);
  function histogram(values) {
    const share = Array(BINS).fill(0);
    for (const z of values) {
      const bin = Math.floor(z / STEP + 0.5 + 1e-9);
      share[Math.min(bin, BINS - 1)] += 1 / values.length;
    }
    return share;
  }

  function build() {
    const uniform = math.uniforms(SEED);
    let draws = [];
    let running = 0;  // the pending animation frame
    const add = (count) => {
      for (let i = 0; i < count; i++) draws.push(TERMS.map(uniform));
    };

    const rate = slider("Drop rate", { min: 0, max: 0.8, step: 0.05, value: 0.3 },
      (p) => `p = ${number(p)}`, () => render());
    const scale = toggle("", false, () => render());
    const factor = html("span");
    scale.node.append(factor);
    const mode = choice("Mode", ["training", "evaluation"], () => {
      stop();
      render();
    });
    const one = button("New mask", () => {
      stop();
      add(1);
      render();
    });
    const many = button(`${RUN} masks`, () => {
      if (!running) return run();
      stop();
      render();
    });
    const clear = button("Start over", () => {
      stop();
      draws = [];
      add(1);
      render();
    });
    const net = picture(260, HEIGHT, "ex-network");
    const plot = picture(360, HEIGHT, "ex-plot");
    const status = html("p", { role: "status", class: "ex-says" });
    const cells = {};
    const row = (name) => html("tr", {}, html("th", { scope: "row" }, name),
      ...["seen", "theory", "rule"].map((key) => (cells[name + key] = html("td"))));
    const seen = html("th", { scope: "col" });
    const table = html("table", { class: "ex-numbers" },
      html("thead", {}, html("tr", {}, html("td"), seen,
        html("th", { scope: "col" }, "all masks"), html("th", { scope: "col" }, "formula"))),
      html("tbody", {}, row("mean"), row("variance")));

    function run() {
      if (calm()) {
        add(RUN);
        render();
        return;
      }
      const start = performance.now(), before = draws.length;
      many.textContent = "Stop";
      const frame = (now) => {
        // Slowly at first, so that single masks can be seen.
        const part = Math.min(Math.max(now - start, 0) / 1000 / SECONDS, 1);
        const due = before + Math.max(1, Math.round(RUN * part ** 2));
        add(due - draws.length);
        if (part === 1) stop();
        else running = requestAnimationFrame(frame);
        render();
      };
      running = requestAnimationFrame(frame);
    }
    function stop() {
      cancelAnimationFrame(running);
      running = 0;
      many.textContent = `${RUN} masks`;
    }

    function render() {
      const p = rate.value, scaled = scale.value, training = mode.value === "training";
      const received = (mask) => math.sum(math.dropoutForward(TERMS, mask, p, scaled));
      const mask = training ? math.keepMask(draws.at(-1), p) : TERMS.map(() => true);
      const sent = training ? math.dropoutForward(TERMS, mask, p, scaled) : TERMS;
      const now = math.sum(sent);
      const values = draws.map((draw) => received(math.keepMask(draw, p)));
      const average = math.mean(values), expected = math.sumMean(TERMS, p, scaled);
      const lost = Math.round(100 * (1 - expected / FULL));

      factor.textContent = `Scale by 1/(1 − p) = ${number(1 / (1 - p))}`;
      for (const control of [one, many, clear]) control.disabled = !training;

      const kept = mask.filter(Boolean).length;
      net.show(
        `A network with eight hidden units, ${kept} of them kept. The next unit receives ${number(now)}.`,
        ...network(
          [
            { x: 18, keep: Array(3).fill(true) },
            { x: 110, keep: mask, radius: 14, texts: sent.map((v) => number(v)) },
            { x: 225, keep: [true], radius: 20, texts: [number(now)] },
          ],
          HEIGHT - 20,
          (layer, i) => (layer === 0 ? 0.7 : Math.min(4 * sent[i], 9)),
        ),
        ...[[18, "input"], [110, "hidden"], [225, "next unit"]].map(([x, name]) =>
          text(x, HEIGHT - 6, name, { "text-anchor": "middle" })),
      );

      const share = histogram(values), tallest = Math.max(...share);
      const bars = share.map((s, i) => svg("rect", {
        x: at(i * STEP) - WIDTH / BINS / 2 + 0.5, width: WIDTH / BINS - 1,
        y: BASE - (s / tallest) * (BASE - TOP), height: (s / tallest) * (BASE - TOP),
        class: training ? "ex-bar" : "ex-bar ex-faint",
      }));
      const ticks = [0, 2, 4, 6, 8, 10].map((z) =>
        text(at(z), BASE + 16, z === 10 ? "10+" : z, { "text-anchor": "middle" }));
      const shown = Math.min(now, (BINS - 1) * STEP);
      const marks = [
        svg("path", { class: "ex-full", d: `M${at(FULL)} 16V${BASE}` }),
        text(at(FULL) + 6, 22, `evaluation: ${number(FULL)} each time`),
      ];
      if (training) {
        marks.push(
          svg("path", { class: "ex-mean", d: `M${at(average)} 40V${BASE}` }),
          text(Math.max(at(average), at(FULL)) + 6, 46, `training: ${number(average)} on average`, { class: "ex-strong" }),
        );
      }
      if (training && p > 0) {
        // What is wrong with the mean; when nothing is, how far single masks stray.
        const spread = Math.sqrt(math.sumVariance(TERMS, p));
        const [from, to] = scaled ? [FULL - spread, FULL + spread] : [expected, FULL];
        const a = at(from) + 1, b = at(to) - 1;
        marks.push(
          svg("path", { class: "ex-gap", d: `M${a} 62H${b}m-5 -4l5 4l-5 4M${a + 5} 58l-5 4l5 4` }),
          text(b + 7, 66, scaled ? `spread ± ${number(spread)}` : `${lost}\u00a0% too small`),
        );
      }
      marks.push(svg("circle", { cx: at(shown), cy: BASE, r: 5, class: "ex-now" }));
      plot.show(
        training
          ? `Histogram of what the next unit received under ${draws.length} masks: ${number(average)} on average, against ${number(FULL)} in evaluation.`
          : `What the next unit receives in evaluation: ${number(FULL)} each time.`,
        ...bars,
        svg("path", { class: "ex-axis", d: `M${LEFT} ${BASE}H${LEFT + WIDTH}` }),
        ...ticks, ...marks,
        text(LEFT + WIDTH / 2, HEIGHT - 6, "what the next unit receives", { "text-anchor": "middle" }),
      );

      seen.textContent = draws.length === 1 ? "1 mask drawn" : `${draws.length} masks drawn`;
      cells.meanseen.textContent = number(average);
      cells.meantheory.textContent = number(expected);
      cells.meanrule.textContent = `${scaled ? "" : "(1\u00a0−\u00a0p) "}Σ\u00a0w\u00a0x`;
      cells.varianceseen.textContent = number(math.variance(values));
      cells.variancetheory.textContent = number(math.sumVariance(TERMS, p, scaled));
      cells.variancerule.textContent = `${scaled ? "p/(1\u00a0−\u00a0p)" : "p(1\u00a0−\u00a0p)"} Σ\u00a0(w\u00a0x)²`;

      // Not at every frame: a screen reader would never come to an end.
      if (!running) status.textContent = words(p, scaled, training, kept, now, expected, lost);
    }

    function words(p, scaled, training, kept, now, expected, lost) {
      if (!training) {
        return `Evaluation drops nothing and scales nothing: the next unit receives ${number(FULL)} each time.`;
      }
      const this_ = `This mask keeps ${kept} of 8 units, and the next unit receives ${number(now)}. `;
      if (p === 0) return this_ + "At p = 0 nothing is dropped: training equals evaluation.";
      if (scaled) {
        return this_ + `With the scale the mean over all masks is ${number(expected)}, as in evaluation. Only the mean: single masks still differ.`;
      }
      return this_ + `Without the scale the mean over all masks is ${number(expected)}, ${lost}\u00a0% below the ${number(FULL)} of evaluation. Switch the scale on.`;
    }

    add(FIRST);
    render();
    return [
      html("div", { class: "ex-controls" }, rate.node, scale.node, mode.node),
      html("div", { class: "ex-panels" }, net.node, plot.node),
      html("div", { class: "ex-controls" }, one, many, clear),
      status, table,
    ];
  }

  math.parts.mount("fig-03-next-unit", "A network that drops", build);
  return { TERMS, SEED, FIRST, RUN, histogram };
})();
