"""A bar chart of ratios as SVG text, on a logarithmic scale."""

import math
from xml.sax.saxutils import escape

ROW, TOP, LEFT, WIDTH = 18, 62, 250, 520


def ratios(table, reference):
    """Bars go right of 1 where we are better, left where worse; a line marks each target."""
    rows = [(row["workload"], row["times_better"][reference], row["must"]) for row in table
            if row["times_better"].get(reference)]
    values = [ratio for _, ratio, _ in rows] or [1]
    low = min(-1, math.floor(math.log2(min(values))))
    high = max(1, math.ceil(math.log2(max(values))))

    def x(ratio):
        return LEFT + (math.log2(ratio) - low) / (high - low) * WIDTH

    height = TOP + ROW * len(rows) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" '
           f'height="{height}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="16" font-size="13">times better than libzmq '
           f'(logarithmic)</text>',
           f'<text x="{LEFT}" y="31" fill="#555">red line: what it has to reach</text>']
    for power in range(low, high + 1):
        label = f"{2 ** power}" if power >= 0 else f"1/{2 ** -power}"
        at = x(2.0 ** power)
        colour = "#333" if power == 0 else "#ddd"
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 10}" y2="{height - 8}" '
                   f'stroke="{colour}"/>')
        out.append(f'<text x="{at:.1f}" y="{TOP - 14}" text-anchor="middle">{label}</text>')
    for index, (name, ratio, must) in enumerate(rows):
        y = TOP + ROW * index
        begin, end = sorted((x(1), x(ratio)))
        colour = "#3a7d44" if ratio >= 1 else "#c0392b"
        out.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect x="{begin:.1f}" y="{y + 2}" width="{max(end - begin, 1):.1f}" '
                   f'height="{ROW - 5}" fill="{colour}"/>')
        if must:
            at = x(min(max(must, 2.0 ** low), 2.0 ** high))
            out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y}" y2="{y + ROW - 1}" '
                       f'stroke="#c0392b" stroke-width="2"/>')
        after = max(end, at) if must else end
        out.append(f'<text x="{after + 4:.1f}" y="{y + 12}">{ratio:.2f}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
