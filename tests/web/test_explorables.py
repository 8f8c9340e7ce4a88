"""The explorables: the companion's arithmetic, every control, and figures without them."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import companion.numpy as cn
from companion.theory import (
    all_masks,
    dropped_mean,
    dropped_variance,
    mask_probabilities,
)
from companion.verify.properties import count_is_plausible

from ..book.pages import BOOK, HTML, code_cells, read

DROPS, THINNED = "book/03-algorithm.html", "book/04-mathematics.html"
SWEEPS = "book/01-background/rate-and-data.html"
FIGURES = {
    DROPS: "#fig-03-next-unit",
    THINNED: "#fig-04-thinned",
    SWEEPS: "#fig-01-sweeps",
}
each = pytest.mark.parametrize("path", FIGURES)


def notebook(name, *ids):
    """Run cells of a notebook; return what they define."""
    cells = {cell.id: cell for cell in code_cells(read(BOOK / name))}
    space = {"np": np, "all_masks": all_masks, "mask_probabilities": mask_probabilities}
    for id_ in ids:
        exec(cells[id_].source, space)
    return space


WX = notebook("03-algorithm.ipynb", "c03-078a")["wx"]
CHAPTER_4 = notebook("04-mathematics.ipynb", "c04-068a", "c04-068b", "c04-068c")


def uniforms(seed, count):
    """mulberry32, written down a second time."""
    low, found = 0xFFFFFFFF, []
    for i in range(1, count + 1):
        state = (seed + i * 0x6D2B79F5) & low
        t = (state ^ (state >> 15)) * (state | 1) & low
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & low)) & low
        found.append((t ^ (t >> 14)) / 2**32)
    return np.array(found)


@pytest.fixture
def drops(visit):
    """The network that drops, for readers who want no motion."""
    page = visit(DROPS, reduced_motion="reduce")
    return page.locator(FIGURES[DROPS])


@pytest.fixture
def thinned(visit):
    """The 2^n networks."""
    return visit(THINNED).locator(FIGURES[THINNED])


@pytest.fixture
def sweeps(visit):
    """The sweeps over rate, width and data."""
    return visit(SWEEPS).locator(FIGURES[SWEEPS])


def numbers(text):
    """Return the numbers in a text; the minus sign of the page is a typographic one."""
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


# The arithmetic, against the companion.


ARITHMETIC = """([n, p, x, weights, bias]) => {
    const E = Explorables, masks = E.allMasks(n), prob = E.maskProbabilities(masks, p);
    const dropped = masks.map((mask) => E.dropoutForward(x, mask, p));
    const logs = dropped.map((y) => E.logSoftmax(E.linear(y, weights, bias)));
    return {masks, prob, dropped, logs,
        classic: masks.map((mask) => E.dropoutForward(x, mask, p, false)),
        means: [true, false].map((inverted) => E.sumMean(x, p, inverted)),
        variances: [true, false].map((inverted) => E.sumVariance(x, p, inverted)),
        sample: [E.mean(x), E.variance(x)], relu: E.relu(x),
        arithmetic: E.arithmeticMean(logs, prob), geometric: E.geometricMean(logs, prob),
        full: E.softmax(E.linear(x, weights, bias))};
}"""


def arithmetic(n, p, x, weights, bias):
    """The same by NumPy and the companion."""
    masks = all_masks(n)
    prob = mask_probabilities(masks, p)
    dropped = cn.dropout_forward(np.tile(x, (2**n, 1)), masks, p)
    P = cn.nn.softmax(dropped @ weights + bias)
    product = np.prod(P ** prob[:, None], axis=0)
    return {
        "masks": masks,
        "prob": prob,
        "dropped": dropped,
        "logs": np.log(P),
        "classic": np.where(masks, x, 0.0),
        "means": [dropped_mean(x, p, inverted=i).sum() for i in (True, False)],
        "variances": [dropped_variance(x, p, inverted=i).sum() for i in (True, False)],
        "sample": [x.mean(), x.var()],
        "relu": np.maximum(x, 0),
        "arithmetic": prob @ P,
        "geometric": product / product.sum(),
        "full": cn.nn.softmax(x @ weights + bias),
    }


def test_arithmetic_equals_the_companion(drops):
    """Every function, for twenty random layers and all their masks."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(1, 9)), rng.uniform(0, 0.95)
        x, weights, bias = (rng.normal(size=size) for size in (n, (n, 3), 3))
        plain = [n, p, x.tolist(), weights.tolist(), bias.tolist()]
        found = drops.page.evaluate(ARITHMETIC, plain)
        wanted = arithmetic(n, p, x, weights, bias)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert np.allclose(found[name], value, rtol=1e-12, atol=1e-12), (seed, name)
        assert np.allclose(found["geometric"], found["full"], rtol=0, atol=1e-12)


def test_uniforms_come_from_the_seed_and_keep_at_the_right_rate(drops):
    for seed in (0, 3, 2**32 - 1):
        drawn = drops.page.evaluate(
            """(seed) => {
                const uniform = Explorables.uniforms(seed);
                return Array.from({length: 20000}, uniform);
            }""",
            seed,
        )
        assert np.array_equal(drawn, uniforms(seed, 20_000))
        for p in (0.1, 0.3, 0.8):
            kept = drops.page.evaluate(
                "([u, p]) => Explorables.keepMask(u, p).filter(Boolean).length",
                [drawn, p],
            )
            assert count_is_plausible(kept, 20_000, 1 - p)
    ends = drops.page.evaluate(
        "[0, 0.3, 1].map((p) => Explorables.keepMask([0, 0.3], p))"
    )
    assert ends == [[True, True], [False, True], [False, False]]


def test_numbers_are_those_of_the_chapters(drops, thinned):
    assert drops.page.evaluate("Explorables.drops.TERMS") == WX.tolist()
    for name, value in (("A", "A"), ("U", "U"), ("V", "v"), ("BIAS", "bias")):
        found = thinned.page.evaluate(f"Explorables.thinned.{name}")
        assert np.array_equal(found, CHAPTER_4[value]), name


def test_ensembles_equal_those_of_chapter_4(thinned):
    for n in range(1, 7):
        for p in (0.0, 0.1, 0.3, 0.8):
            for net, logit in (("softmaxOnly", "softmax"), ("withRelu", "relu")):
                found = thinned.page.evaluate(
                    "([net, n, p]) => Explorables.thinned.ensemble("
                    "Explorables.thinned[net], n, p)",
                    [net, n, p],
                )
                logit = CHAPTER_4[f"logit_{logit}"]
                three = [found[k] for k in ("arithmetic", "geometric", "full")]
                wanted = CHAPTER_4["three_averages"](logit, n, p)
                assert np.allclose(three, wanted, rtol=0, atol=1e-12)
                each = CHAPTER_4["sigmoid"](logit(all_masks(n) / (1 - p)))
                assert np.allclose(found["predictions"], each, rtol=0, atol=1e-12)


# The network that drops: what the page shows.


def received(count, p, scaled):
    """What the next unit receives under the first masks of the page."""
    keep = uniforms(3, 8 * count).reshape(count, 8) >= p
    return np.where(keep, WX / (1 - p) if scaled else WX, 0.0).sum(axis=1)


def check_drops(figure, count, p, scaled):
    """Compare everything that is displayed in training with our own calculation."""
    z = received(count, p, scaled)
    mean = dropped_mean(WX, p, inverted=scaled).sum()
    variance = dropped_variance(WX, p, inverted=scaled).sum()
    table = figure.get_by_role("table")
    header = table.get_by_role("row").first.inner_text()
    assert numbers(header)[0] == count
    near = {"rtol": 0, "atol": 0.00501}
    shown = [cell.inner_text() for cell in table.get_by_role("cell").all()]
    seen, exact = shown[1:3], shown[4:6]
    assert np.allclose(numbers(" ".join(seen)), [z.mean(), mean], **near)
    assert np.allclose(numbers(" ".join(exact)), [z.var(), variance], **near)

    says = figure.get_by_role("status").inner_text()
    kept = int((uniforms(3, 8 * count)[-8:] >= p).sum())
    assert f"keeps {kept} of 8 units" in says
    assert f"receives {z[-1]:.2f}" in says
    net, plot = figure.get_by_role("img").all()
    assert f"receives {z[-1]:.2f}" in net.get_attribute("aria-label")
    assert net.locator(".ex-cross").count() == 8 - kept
    assert f"{count} masks: {z.mean():.2f} on average" in plot.get_attribute("aria-label")
    check_histogram(plot, z)

    gap = plot.get_by_text("too small")
    if p > 0 and not scaled:
        assert numbers(gap.text_content()) == [round(100 * (1 - mean / WX.sum()))]
        assert f"{round(100 * p)}\u00a0% below the 4.00" in says
    else:
        assert gap.count() == 0
    if p > 0 and scaled:
        assert "spread ± " + f"{variance**0.5:.2f}" in plot.text_content()


def check_histogram(plot, z):
    """Bars as high as the shares, the line of the mean where the mean is."""
    wanted = np.histogram(z.clip(max=10), np.arange(27) * 0.4 - 0.2 - 1e-9)[0]
    bars = plot.locator("rect")
    heights = np.array(bars.evaluate_all("b => b.map((r) => +r.getAttribute('height'))"))
    assert np.allclose(heights / heights.max(), wanted / wanted.max(), atol=1e-9)
    place = bars.evaluate_all(
        "b => b.map((r) => +r.getAttribute('x') + r.getAttribute('width') / 2)"
    )
    per_unit = (place[25] - place[0]) / 10
    for name, value in ((".ex-mean", z.mean()), (".ex-full", WX.sum())):
        x = numbers(plot.locator(name).get_attribute("d"))[0]
        assert abs(x - place[0] - per_unit * value) < 1e-6, name


def test_drops_opens_with_the_gap(drops):
    check_drops(drops, 200, 0.3, scaled=False)


def test_drops_by_keyboard(drops):
    """Tab reaches every control in turn; arrows, space and enter drive it."""
    page = drops.page
    rate = drops.get_by_role("slider")
    rate.focus()
    for press, p in (("ArrowRight", 0.35), ("End", 0.8), ("Home", 0.0)):
        page.keyboard.press(press)
        assert rate.get_attribute("aria-valuetext") == f"p = {p:.2f}"
        check_drops(drops, 200, p, scaled=False)
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert drops.get_by_role("checkbox").is_checked()
    check_drops(drops, 200, 0.1, scaled=True)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    check_evaluation(drops)
    page.keyboard.press("ArrowLeft")
    for presses, count in ((1, 201), (2, 701), (3, 1)):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        if presses < 3:
            check_drops(drops, count, 0.1, scaled=True)
    assert "1 mask drawn" in drops.inner_text()


def check_evaluation(figure):
    """In evaluation every unit is kept, nothing is scaled and no mask can be drawn."""
    says = figure.get_by_role("status").inner_text()
    assert f"the next unit receives {WX.sum():.2f} each time" in says
    net, plot = figure.get_by_role("img").all()
    assert net.locator(".ex-cross").count() == 0
    sent = net.locator("text").all_text_contents()[:8]
    assert [float(s) for s in sent] == WX.tolist()
    assert plot.locator(".ex-mean").count() == 0
    for button in figure.get_by_role("button").all():
        assert button.is_disabled()


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_drops_by_pointer(visit, touch):
    page = visit(DROPS, has_touch=touch, width=390, reduced_motion="reduce")
    figure = page.locator(FIGURES[DROPS])

    def press(locator, **where):
        locator.scroll_into_view_if_needed()
        (locator.tap if touch else locator.click)(**where)

    rate = figure.get_by_role("slider")
    box = rate.bounding_box()
    press(rate, position={"x": box["width"] - 2, "y": box["height"] / 2})
    check_drops(figure, 200, 0.8, scaled=False)
    press(figure.get_by_text("Scale by"))
    check_drops(figure, 200, 0.8, scaled=True)
    press(figure.get_by_text("evaluation", exact=True))
    check_evaluation(figure)
    press(figure.get_by_text("training", exact=True))
    press(figure.get_by_text("New mask"))
    press(figure.get_by_text("500 masks", exact=True))
    check_drops(figure, 701, 0.8, scaled=True)
    press(figure.get_by_text("Start over"))
    press(figure.get_by_text("New mask"))
    assert "2 masks drawn" in figure.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_masks_build_up_and_can_be_stopped(visit, wait_until):
    page = visit(DROPS, reduced_motion="no-preference")
    figure = page.locator(FIGURES[DROPS])
    count = "numbers => Number(numbers.tHead.rows[0].cells[1].textContent.split(' ')[0])"
    table = figure.get_by_role("table")
    figure.get_by_role("button", name="500 masks").click()
    stop = figure.get_by_role("button", name="Stop")
    wait_until(page, "document.querySelector('.ex-numbers').innerText.includes('20')")
    stop.click()
    between = table.evaluate(count)
    assert 200 < between < 700
    check_drops(figure, between, 0.3, scaled=False)
    figure.get_by_role("button", name="500 masks").click()
    stop.wait_for(state="detached", timeout=20_000)
    assert table.evaluate(count) == between + 500
    check_drops(figure, between + 500, 0.3, scaled=False)


# 2^n networks: what the page shows.


def check_thinned(figure, k, n, p, relu):
    """Compare everything that is displayed with our own calculation."""
    logit = CHAPTER_4["logit_relu" if relu else "logit_softmax"]
    masks = all_masks(n)
    prob = mask_probabilities(masks, p)
    P = CHAPTER_4["sigmoid"](logit(masks / (1 - p)))
    mean, G, full = CHAPTER_4["three_averages"](logit, n, p)

    says = figure.get_by_role("status").inner_text()
    assert f"Network {k + 1} keeps" in says
    assert f"= {prob[k]:.4f} and predicts {P[k]:.3f}" in says
    if max(mean, G, full) - min(mean, G, full) < 1e-9:
        assert "All three averages are the same" in says
    elif abs(G - full) < 1e-9:
        assert "Geometric mean and weight scaling meet" in says
    else:
        assert "All three part" in says

    net, plot = figure.get_by_role("img").all()
    assert net.locator(".ex-cross").count() == (~masks[k]).sum()
    for name, value in (
        ("arithmetic mean", mean),
        ("geometric mean", G),
        ("weight scaling", full),
    ):
        assert f"{name} {value:.3f}" in plot.get_attribute("aria-label")
        assert plot.get_by_text(f"{name} {value:.3f}").count() == 1
    at = [14 + 332 * v for v in (mean, G, full)]
    marks = (
        float(plot.locator(".ex-arithmetic").get_attribute("cx")),
        numbers(plot.locator(".ex-geometric").get_attribute("d"))[0],
        numbers(plot.locator(".ex-weights").get_attribute("d"))[0],
    )
    assert np.allclose(marks, at, atol=1e-6)
    stems = plot.locator(".ex-stem circle").evaluate_all(
        "c => c.map((s) => [+s.getAttribute('cx'), 120 - s.getAttribute('cy')])"
    )
    x, height = np.array(stems).T
    assert np.allclose(x, 14 + 332 * P, atol=1e-6)
    assert np.allclose(height / height.max(), prob / prob.max(), atol=1e-6)
    now = plot.locator(".ex-stem-now circle")
    assert abs(float(now.get_attribute("cx")) - x[k]) < 1e-9


def test_thinned_by_keyboard(thinned):
    page = thinned.page
    check_thinned(thinned, 11, 4, 0.3, relu=False)
    size, _, walk = thinned.get_by_role("slider").all()
    thinned.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    check_thinned(thinned, 11, 4, 0.3, relu=True)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    check_thinned(thinned, 11, 6, 0.3, relu=True)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    check_thinned(thinned, 11, 6, 0.8, relu=True)
    page.keyboard.press("Home")
    check_thinned(thinned, 11, 6, 0.0, relu=True)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    check_thinned(thinned, 63, 6, 0.1, relu=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for k in (0, 1):  # next to the last one comes the first
        page.keyboard.press("Enter")
        check_thinned(thinned, k, 6, 0.1, relu=True)
    page.keyboard.press("Shift+Tab")
    for k in (0, 63):
        page.keyboard.press("Space")
        check_thinned(thinned, k, 6, 0.1, relu=True)
    size.focus()
    page.keyboard.press("Home")  # two networks are left, and the walk ends at the second
    check_thinned(thinned, 1, 1, 0.1, relu=True)
    assert walk.get_attribute("aria-valuetext") == "2 of 2"


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_thinned_by_pointer(visit, touch):
    page = visit(THINNED, has_touch=touch, width=390)
    figure = page.locator(FIGURES[THINNED])

    def press(locator, **where):
        locator.scroll_into_view_if_needed()
        (locator.tap if touch else locator.click)(**where)

    press(figure.get_by_text("ReLU layer, then softmax"))
    press(figure.get_by_text("Next"))
    check_thinned(figure, 12, 4, 0.3, relu=True)
    press(figure.get_by_text("Previous"))
    press(figure.locator(".ex-pointer").nth(0))  # unit 1 was kept
    check_thinned(figure, 10, 4, 0.3, relu=True)
    press(figure.locator(".ex-pointer").nth(2))  # unit 3 was dropped
    check_thinned(figure, 14, 4, 0.3, relu=True)
    size, rate, _ = figure.get_by_role("slider").all()
    for slider in (size, rate):
        box = slider.bounding_box()
        press(slider, position={"x": 2, "y": box["height"] / 2})
    check_thinned(figure, 1, 1, 0.0, relu=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


# The sweeps: what the page shows, against the tables that its cells printed.

AT_ONE_WIDTH = ["0", "0.2", "0.4", "0.5", "0.6", "0.8"]
AND_WIDTH = ["0", "0.2", "0.5", "0.6", "0.8"]
EXAMPLES = ["40", "200", "1,000", "4,000", "8,000"]


def printed(page):
    """The executed tables of the page: mean, low and high by measure and setting."""
    groups = page.locator("table.dataframe tbody").evaluate_all(
        "bodies => bodies.map((body) => "
        "[...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent)))"
    )
    return {
        (head.split(" (n = ")[0], setting): np.array(values, float)
        for (head,), *rows in groups
        for setting, *values in rows
    }


def change_of(table, sweep, line, label):
    """What a table says of a point of a line, or None for a network without dropout."""
    if sweep == "examples":
        gain = table["gain in test error, points", f"n = {label.replace(',', '')}"]
        return None if line == "p = 0" else -gain[[0, 2, 1]]
    way = "" if sweep == "rate, at one width" else f"{line}, "
    row = "test error, points", f"{way}p = {label} - p = 0"
    return None if label == "0" else table[row]


def check_sweep(figure, sweep, labels, i):
    """Compare the numbers shown at point i of a sweep with the tables."""
    table, lines = printed(figure.page), {}
    says = figure.get_by_role("status").inner_text()
    for row in figure.get_by_role("table").locator("tbody tr").all():
        name, error, change = row.locator("th, td").all_inner_texts()
        lines[name] = numbers(error), numbers(change)
        wanted = change_of(table, sweep, name, labels[i])
        assert (wanted is None) == (change == "no dropout")
        if wanted is not None:  # both are rounded: to 2 decimals, to 3 digits
            _, low, high = lines[name][1]
            assert np.allclose(lines[name][1], wanted, rtol=0.005, atol=0.0051)
            decided = {low > 0: "dropout harms", high < 0: "dropout helps"}
            verdict = says.split(f"{name}: ")[1].split(":")[1]
            assert verdict.startswith(" " + decided.get(True, "the seeds do not decide"))
            both = "together with wider layers" in verdict
            assert both == (name == "32 kept units" and any(decided))
        assert f"{name}: {error.split()[0]}\u00a0% wrong" in says
    return lines


@pytest.mark.parametrize(
    ("sweep", "labels", "count"),
    [
        ("rate, at one width", AT_ONE_WIDTH, 1),
        ("rate and width", AND_WIDTH, 2),
        ("examples", EXAMPLES, 2),
    ],
)
def test_sweeps_show_the_numbers_of_the_tables(sweeps, sweep, labels, count):
    sweeps.get_by_role("radio", name=sweep, exact=True).check()
    rate = sweeps.get_by_role("slider")
    rate.press("Home")
    base, drawn = None, []
    for i, label in enumerate(labels):
        assert rate.get_attribute("aria-valuetext").endswith(f": {label}")
        lines = check_sweep(sweeps, sweep, labels, i)
        assert len(lines) == count
        drawn.append([error[0] for error, _ in lines.values()])
        for name, (error, change) in lines.items():
            assert error[1] < error[0] < error[2]
            if sweep == "examples":
                base = {name: lines["p = 0"][0][0]}
            else:
                base = base or {name: error[0] for name, (error, _) in lines.items()}
            if change:  # the mean of differences is the difference of means
                assert abs(error[0] - base[name] - change[0]) < 0.0151
        rate.press("ArrowRight")
    check_marks(sweeps, np.transpose(drawn))


def check_marks(figure, errors):
    """Marks stand where the axis says."""
    plot = figure.get_by_role("img")
    heights = plot.locator(".ex-track").evaluate_all(
        "t => t.map((e) => +e.getAttribute('d').match(/ ([\\d.]+)H/)[1])"
    )
    ticks = [float(t) for t in plot.locator("text").all_text_contents()[: len(heights)]]
    per_point = (heights[-1] - heights[0]) / (ticks[-1] - ticks[0])
    for kind, at, error in zip(
        ("circle", "rect"), ("+m.getAttribute('cy')", "+m.getAttribute('y') + 4.5"), errors,
        strict=False,
    ):  # fmt: skip
        found = plot.locator(f"{kind}[class^='ex-curve']").evaluate_all(
            f"marks => marks.map((m) => {at})"
        )
        wanted = heights[0] + per_point * (np.array(error) - ticks[0])
        assert np.allclose(found[: len(error)], wanted, atol=0.006 * abs(per_point))


def test_sweeps_by_keyboard(sweeps):
    page = sweeps.page
    sweeps.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    check_sweep(sweeps, "rate and width", AND_WIDTH, 4)
    page.keyboard.press("ArrowLeft")
    check_sweep(sweeps, "rate and width", AND_WIDTH, 3)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")
    check_sweep(sweeps, "rate, at one width", AT_ONE_WIDTH, 3)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")  # from the first to the last, which has a point less
    check_sweep(sweeps, "examples", EXAMPLES, 4)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_sweeps_by_pointer(visit, touch):
    page = visit(SWEEPS, has_touch=touch, width=390)
    figure = page.locator(FIGURES[SWEEPS])

    def press(locator, **where):
        locator.scroll_into_view_if_needed()
        (locator.tap if touch else locator.click)(**where)

    press(figure.get_by_text("examples", exact=True))
    check_sweep(figure, "examples", EXAMPLES, 2)
    for i in (0, 3):
        press(figure.locator(".ex-band").nth(i))
        check_sweep(figure, "examples", EXAMPLES, i)
        assert figure.get_by_role("slider").input_value() == str(i)
    press(figure.get_by_text("rate and width", exact=True))
    slider = figure.get_by_role("slider")
    box = slider.bounding_box()
    press(slider, position={"x": box["width"] - 2, "y": box["height"] / 2})
    check_sweep(figure, "rate and width", AND_WIDTH, 4)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


# Around them.


@each
def test_without_scripts_the_figure_is_there(visit, path):
    figure = visit(path, java_script_enabled=False).locator(FIGURES[path])
    assert figure.locator("img").first.is_visible()
    assert figure.locator(".explorable").count() == 0


@each
def test_on_paper_the_figure_is_there(visit, path):
    page = visit(path)
    figure = page.locator(FIGURES[path])
    assert not figure.locator("img").first.is_visible()
    page.emulate_media(media="print")
    figure.scroll_into_view_if_needed()
    figure.locator("img[src]:visible").first.evaluate("(image) => image.decode()")
    assert not figure.locator(".explorable").is_visible()


@each
def test_nothing_is_wider_than_its_frame(visit, path):
    page = visit(path)
    figure = page.locator(FIGURES[path])
    for control in figure.get_by_role("slider").all():
        control.press("End")
    for control in figure.get_by_role("checkbox").all():
        control.check()
    for width in (320, 390, 800, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        wide = figure.locator(".explorable").evaluate(
            """(frame) => {
                const right = frame.getBoundingClientRect().right;
                return [...frame.querySelectorAll('*')]
                    .filter((e) => e.getBoundingClientRect().right > right)
                    .map((e) => e.outerHTML);
            }"""
        )
        assert wide == [], width


@each
def test_from_disk(visit, path):
    figure = visit(path, base=HTML.as_uri()).locator(FIGURES[path])
    assert figure.get_by_role("status").inner_text()


@each
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(visit, path, theme):
    """The pages' own test sees the first state only."""
    page = visit(path, theme=theme, reduced_motion="reduce")
    figure = page.locator(FIGURES[path])
    switches = [*figure.get_by_role("checkbox").all(), *figure.get_by_role("radio").all()]
    for switch in switches:
        switch.check()
        found = Axe().run(page, context=FIGURES[path])
        assert found.violations_count == 0, found.generate_report()
