"""Draws digits that look handwritten: strokes through jittered points, slanted, scaled, blurred."""
import numpy as np

SIZE = 28

# Ways to write each digit.  A way is a list of strokes, a stroke a list of points (x, y) in the
# unit square, y downwards; a smooth curve goes through them.
WAYS = {
    0: [
        [[(.5, .05), (.25, .15), (.15, .5), (.25, .85), (.5, .95), (.75, .85), (.85, .5),
         (.75, .15), (.5, .05)]],
        [[(.6, .08), (.3, .12), (.2, .5), (.3, .9), (.6, .92), (.8, .6), (.78, .25), (.5, .06)]]],
    1: [
        [[(.5, .05), (.5, .35), (.5, .65), (.5, .95)]],
        [[(.3, .28), (.42, .18), (.55, .05)], [(.55, .05), (.55, .5), (.55, .95)]],
        [[(.3, .25), (.52, .05)], [(.52, .05), (.52, .95)], [(.28, .95), (.76, .95)]]],
    2: [
        [[(.18, .28), (.28, .1), (.52, .05), (.78, .15), (.8, .35), (.6, .6), (.2, .93)],
         [(.2, .93), (.5, .94), (.85, .92)]],
        [[(.2, .25), (.4, .06), (.7, .1), (.78, .32), (.55, .65), (.3, .88), (.2, .82), (.35, .76),
         (.6, .9), (.85, .9)]]],
    3: [
        [[(.2, .15), (.45, .05), (.75, .15), (.74, .35), (.45, .47)], [(.45, .47), (.78, .55),
         (.82, .77), (.55, .95), (.18, .85)]],
        [[(.2, .08), (.5, .07), (.78, .08)], [(.78, .08), (.45, .42)], [(.45, .42), (.8, .52),
         (.8, .8), (.5, .95), (.2, .86)]]],
    4: [
        [[(.62, .05), (.4, .35), (.15, .65)], [(.15, .65), (.5, .65), (.88, .63)], [(.65, .3),
         (.65, .6), (.65, .95)]],
        [[(.25, .08), (.22, .3), (.22, .52)], [(.22, .52), (.5, .54), (.8, .5)], [(.75, .06),
         (.74, .5), (.72, .95)]],
        [[(.66, .05), (.16, .68)], [(.16, .68), (.86, .68)], [(.66, .05), (.66, .95)]]],
    5: [
        [[(.78, .07), (.5, .06), (.28, .08)], [(.28, .08), (.25, .25), (.23, .45)], [(.23, .45),
         (.5, .38), (.78, .5), (.8, .75), (.55, .94), (.2, .87)]],
        [[(.8, .08), (.3, .08)], [(.3, .08), (.24, .46)], [(.24, .46), (.6, .42), (.8, .62),
         (.68, .88), (.42, .95), (.18, .85)]]],
    6: [
        [[(.7, .08), (.42, .2), (.22, .5), (.2, .75), (.4, .95), (.68, .92), (.8, .72), (.65, .53),
         (.4, .55), (.22, .7)]],
        [[(.55, .05), (.3, .35), (.2, .68), (.35, .93), (.62, .93), (.75, .73), (.6, .56),
         (.35, .6), (.22, .74)]]],
    7: [
        [[(.16, .09), (.5, .08), (.84, .08)], [(.84, .08), (.62, .42), (.42, .95)]],
        [[(.16, .09), (.82, .08)], [(.82, .08), (.58, .5), (.45, .95)], [(.36, .5), (.76, .48)]]],
    8: [
        [[(.72, .16), (.5, .05), (.27, .17), (.3, .36), (.52, .48), (.77, .64), (.76, .86),
         (.5, .95), (.23, .86), (.24, .64), (.5, .47), (.72, .34), (.74, .18)]],
        [[(.5, .48), (.28, .36), (.3, .14), (.52, .05), (.73, .15), (.72, .36), (.5, .48)],
         [(.5, .48), (.22, .64), (.24, .88), (.5, .95), (.77, .88), (.78, .64), (.5, .48)]]],
    9: [
        [[(.76, .28), (.6, .07), (.35, .1), (.22, .3), (.32, .5), (.58, .5), (.76, .3)],
         [(.77, .25), (.75, .55), (.62, .95)]],
        [[(.75, .2), (.5, .06), (.25, .2), (.27, .42), (.5, .52), (.72, .4), (.76, .2)],
         [(.76, .2), (.78, .6), (.6, .9), (.3, .92)]]],
}


def curve(points, steps=7):
    """Points along a Catmull-Rom spline through the given ones."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        square, cube = 2 * a - 5 * b + 4 * c - d, 3 * b - a - 3 * c + d
        out.append(.5 * (2 * b + (c - a) * t + square * t ** 2 + cube * t ** 3))
    return np.concatenate(out + [points[-1:]])


def hand(rng):
    """One hand's slant, proportions and turn, as a matrix about the middle."""
    turn, slant = rng.normal(0, .1), rng.normal(.08, .14)
    wide, high = rng.uniform(.55, .85), rng.uniform(.72, 1.0)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return rotate @ np.array([[1, -slant], [0, 1]]) @ np.diag([wide, high])


def ink(strokes, width):
    """The picture of polylines in pixels: dark within `width` of one, with a soft edge."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] + .5
    at = np.stack([x.ravel(), y.ravel()], 1)[:, None]
    a = np.concatenate([s[:-1] for s in strokes])
    d = np.concatenate([s[1:] for s in strokes]) - a
    t = np.clip(((at - a) * d).sum(2) / np.maximum((d * d).sum(1), 1e-9), 0, 1)[..., None]
    distance = np.sqrt((((a + t * d) - at) ** 2).sum(2).min(1))
    return np.clip(width - distance + .5, 0, 1).reshape(SIZE, SIZE)


def digit(d, rng):
    """One picture of digit d: f32[28, 28], 0 paper, 1 ink."""
    way = WAYS[d][rng.integers(len(WAYS[d]))]
    matrix, width = hand(rng), rng.uniform(.7, 1.8)
    middle = SIZE / 2 + rng.normal(0, 1.1, 2)
    strokes = []
    for stroke in way:
        points = np.array(stroke) + rng.normal(0, .025, (len(stroke), 2))
        strokes.append(middle + 21 * (curve(points) - .5) @ matrix.T)
    picture = ink(strokes, width) * rng.uniform(.75, 1) + rng.normal(0, .04, (SIZE, SIZE))
    return np.clip(picture, 0, 1).astype(np.float32)


def digits(n, seed):
    """n pictures, f32[n, 1, 28, 28], and what they show, each digit as often as the others."""
    rng = np.random.default_rng(seed)
    shown = np.arange(n) % 10
    return np.stack([digit(d, rng) for d in shown])[:, None], shown
