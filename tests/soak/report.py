"""The table, and the curves as a small SVG."""

import statistics

WIDTH, HEIGHT, LEFT, GAP = 720, 110, 60, 34
COLOURS = ("#2b6cb0", "#b7791f", "#2f855a")


def table(sums, kills):
    """Lines with what each lane sent, received and missed. `sums`: {Lane: Sum}."""
    row = "{:<22}{:>12}{:>12}{:>10}{:>10}{:>7}{:>7}".format
    yield row("lane", "sent", "received", "in doubt", "dropped", "kills", "lost")
    patterns = {}
    for lane, total in sums.items():
        yield row(lane.name, total.sent, total.received, total.in_doubt, total.dropped,
                  kills[lane.name], total.lost)
        of = patterns.setdefault(lane.pattern, [0] * 5)
        for i, value in enumerate((total.sent, total.received, total.in_doubt, total.dropped,
                                   total.lost)):
            of[i] += value
    yield ""
    row = "{:<22}{:>12}{:>12}{:>10}{:>10}{:>14}".format
    yield row("pattern", "sent", "received", "in doubt", "dropped", "lost")
    for pattern, values in patterns.items():
        yield row(pattern, *values)
    yield row("all", *map(sum, zip(*patterns.values())))


def growth(samples, slack_share, slack):
    """Why a series grows, or None: the last quarter against the second."""
    quarter = len(samples) // 4
    if quarter < 2:
        return None
    early = statistics.median(samples[quarter:2 * quarter])
    late = statistics.median(samples[-quarter:])
    return f"{early:.0f} to {late:.0f}" if late > early * (1 + slack_share) + slack else None


def curve(values, seconds, title, colour, top):
    most = max(values + [1e-9])
    step = max(1, len(values) // 240)
    points = [max(values[i:i + step]) for i in range(0, len(values), step)]
    across = (WIDTH - LEFT - 10) / max(1, len(points) - 1)
    path = " ".join(f"{LEFT + i * across:.1f},{top + HEIGHT * (1 - value / most):.1f}"
                    for i, value in enumerate(points))
    yield (f'<text x="{LEFT}" y="{top - 6}">{title}: at most {most:.5g}, in the end '
           f'{values[-1]:.5g}</text>')
    yield f'<path d="M{LEFT} {top}V{top + HEIGHT}H{WIDTH - 10}" fill="none" stroke="#999"/>'
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield f'<text x="{WIDTH - 10}" y="{top + HEIGHT + 13}" text-anchor="end">{seconds:.0f} s</text>'


def svg(series, seconds):
    """One panel for each of [(title, values)]."""
    height = len(series) * (HEIGHT + GAP) + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
    for number, (title, values) in enumerate(series):
        top = 22 + number * (HEIGHT + GAP)
        lines += curve(values, seconds, title, COLOURS[number % len(COLOURS)], top)
    return "\n".join([*lines, "</svg>", ""])
