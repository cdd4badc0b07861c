"""A picture of the ratios, by gnuplot: a bar for each, from 1, which is relations, to how many times as long the other takes."""

import subprocess

from measure import Comparison

COLORS = {"jsonb": "#3b6ea8", "json": "#6fb0c4", "floor": "#b5b5b5", "orm": "#d9813a"}
LEGEND = {"jsonb": "the best jsonb written by hand", "json": "the best json written by hand",
          "floor": "reading the rows, without making JSON", "orm": "ORM, beside relations in its language"}
NAMES = {"jsonb": "jsonb", "json": "json", "floor": "rows alone"}

SCRIPT = """
set terminal svg size 880,{height} font 'sans-serif,12' background 'white'
set output '{output}'
set title "How many times as long as relations, which is 1 (logarithmic)" font 'sans-serif,14'
set logscale x
set xrange [{least}:{most}]
set yrange [{rows}:0]
set xtics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) nomirror
set ytics scale 0 ({ytics})
set grid xtics lc '#dddddd'
set border 1
set lmargin 13
set key below
set style fill solid
set arrow from 1,0 to 1,{rows} nohead lc 'black' lw 1.5 front
{labels}
plot {plots}
"""


def groups(comparisons):
    """Comparisons of one title belong together, and the languages of one case."""
    found = {}
    for c in comparisons:
        title = c.title.rpartition(", ")[0] + ", a client with its objects" if c.kind == "orm" else c.title
        found.setdefault(title, []).append(c)
    return found


def draw(comparisons: list[Comparison], output, tmp):
    drawn = [c for c in comparisons if c.kind in COLORS]
    row, ytics, labels, bars = 0, [], [], {kind: [] for kind in COLORS}
    least = min([0.2] + [0.9 / c.ratio for c in drawn])
    most = max([20] + [2.5 / c.ratio for c in drawn])
    for title, group in groups(drawn).items():
        row += 1.3
        labels.append(f"set label \"{title}\" at 1.04,{row} left font 'sans-serif Bold,12' noenhanced")
        for c in group:
            row += 1
            times = 1 / c.ratio
            ytics.append(f"\"{NAMES.get(c.kind, c.form)}\" {row}")
            labels.append(f"set label '{times:.{1 if times >= 1 else 2}f}' at {max(times, 1) * 1.06},{row} left front")
            bars[c.kind].append(f"1 {row} {min(times, 1)} {max(times, 1)} {row - 0.38} {row + 0.38}")
    plots = []
    for kind, lines in bars.items():
        if lines:
            with open(f"{tmp}/{kind}.dat", "w") as file:
                file.write("\n".join(lines) + "\n")
            plots.append(f"'{tmp}/{kind}.dat' using 1:2:3:4:5:6 with boxxyerror lc '{COLORS[kind]}' title '{LEGEND[kind]}'")
    script = SCRIPT.format(output=output, height=int(130 + 15 * (row + 1)), least=least, most=most, rows=row + 1,
                           ytics=", ".join(ytics), labels="\n".join(labels), plots=", \\\n".join(plots))
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print(f"picture: {output}")
