/* The arithmetic of the explorables: pure functions, and no page.

   tests/web/test_explorables.py compares them with the companion package, whose
   names and conventions they follow: p is the probability to drop, and in a mask
   true means keep. */
"use strict";

window.Explorables = (() => {
  const sum = (v) => v.reduce((a, b) => a + b, 0);
  const dot = (v, w) => sum(v.map((x, i) => x * w[i]));

  /* A seeded generator of uniforms in [0, 1): mulberry32 by Tommy Ettinger, public
     domain. Every reader meets the same masks, and so do the tests. */
  function uniforms(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /* The mask of given uniforms: one draw serves every rate, as in chapter 3. */
  const keepMask = (draw, p) => draw.map((u) => u >= p);

  /* Every mask over n units. Row k holds the binary digits of k, unit 0 first. */
  const allMasks = (n) =>
    Array.from({ length: 2 ** n }, (_, k) =>
      Array.from({ length: n }, (_, i) => ((k >> i) & 1) === 1),
    );

  const maskProbabilities = (masks, p) =>
    masks.map((mask) => {
      const kept = mask.filter(Boolean).length;
      return (1 - p) ** kept * p ** (mask.length - kept);
    });

  const dropoutForward = (x, mask, p, inverted = true) =>
    x.map((v, i) => (mask[i] ? (inverted ? v / (1 - p) : v) : 0));

  /* Expectation and variance of a sum of dropped terms over the masks. */
  const sumMean = (terms, p, inverted = true) => (inverted ? 1 : 1 - p) * sum(terms);
  const sumVariance = (terms, p, inverted = true) =>
    (inverted ? p / (1 - p) : p * (1 - p)) * dot(terms, terms);

  const mean = (v) => sum(v) / v.length;
  const variance = (v) => {
    const centre = mean(v);
    return mean(v.map((x) => (x - centre) ** 2));
  };

  /* Logarithms, so that a prediction of nearly 0 keeps its geometric mean. */
  function logSoftmax(z) {
    const top = Math.max(...z);
    const logSum = top + Math.log(sum(z.map((v) => Math.exp(v - top))));
    return z.map((v) => v - logSum);
  }
  const softmax = (z) => logSoftmax(z).map(Math.exp);

  /* y has n entries, weights n rows. */
  const linear = (y, weights, bias) => bias.map((b, c) => b + dot(y, weights.map((row) => row[c])));
  const relu = (v) => v.map((x) => Math.max(x, 0));

  /* Averages of log-predictions, one row for each mask. */
  const column = (rows, c) => rows.map((row) => row[c]);
  const arithmeticMean = (logs, prob) =>
    logs[0].map((_, c) => dot(prob, column(logs, c).map(Math.exp)));
  const geometricMean = (logs, prob) => softmax(logs[0].map((_, c) => dot(prob, column(logs, c))));

  return {
    sum, uniforms, keepMask, allMasks, maskProbabilities, dropoutForward, sumMean,
    sumVariance, mean, variance, logSoftmax, softmax, linear, relu, arithmeticMean,
    geometricMean,
  };
})();
