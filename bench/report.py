"""The table and the JSON file."""

import json
import statistics


def human(figure):
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(figure) >= limit:
            return f"{figure / limit:.3g}{letter}"
    return f"{figure:.3g}"


def summary(figures):
    middle = statistics.median(figures)
    return {"median": middle, "spread_percent": (max(figures) - min(figures)) / 2 / middle * 100,
            "all": figures}


def row_name(workload, metric):
    return f"{workload.name} {metric.name}".strip()


def best_limit(workload, metric, bare):
    """The best of the bare measurements of that metric for the same work, or None."""
    names = [f"{name} {metric.name}".strip() for name in workload.limits]
    found = [(name, bare[name]["median"]) for name in names if name in bare]
    if not found:
        return None
    return (max if metric.more_is_better else min)(found, key=lambda item: item[1])


def rows(workload, figures, libraries, bare):
    """A row for each metric. Libraries: ours, the reference, others.

    `figures` is {library name: [{metric: figure}]}, an empty list where it failed.
    """
    ours, reference = libraries[0].name, libraries[1].name
    for metric in workload.metrics:
        found = {name: summary([f[metric.name] for f in all_of])
                 for name, all_of in figures.items() if all_of}
        if not found:
            continue
        better = {library.name: metric.ratio(found[ours]["median"], found[library.name]["median"])
                  for library in libraries[1:]
                  if ours in found and library.name in found}
        row = {"workload": row_name(workload, metric), "unit": metric.unit,
               "figures": found, "times_better": better,
               "must": metric.must, "aim": metric.aim,
               "target": metric.target(), "verdict": ""}
        if ours in found:
            row["verdict"] = metric.verdict(found[ours]["median"], better.get(reference))
        limit = best_limit(workload, metric, bare)
        if limit and ours in found:
            row["limit"] = {"of": limit[0], "median": limit[1],
                            "reached_percent":
                                100 * metric.ratio(found[ours]["median"], limit[1])}
        yield row


def print_table(table, libraries):
    """Each library with its spread, the ratios of ours to the others, the limit, the target."""
    names = [library.name for library in libraries]
    width = max(len(row["workload"]) for row in table)
    head = [f"{'workload':{width}}", f"{'unit':>6}"]
    head += [f"{name[:9]:>9} {'±%':>3}" for name in names]
    head += [f"{'/' + name[:7]:>8}" for name in names[1:]]
    head += [f"{'bare':>7} {'of it':>5}", f"{'target':>8}  verdict"]
    print("\n" + "  ".join(head))
    for row in table:
        cells = [f"{row['workload']:{width}}", f"{row['unit']:>6}"]
        for name in names:
            found = row["figures"].get(name)
            cells.append(f"{human(found['median']):>9} {found['spread_percent']:>3.0f}"
                         if found else f"{'failed':>9}    ")
        for name in names[1:]:
            ratio = row["times_better"].get(name)
            cells.append(f"{ratio:>7.3g}x" if ratio else f"{'':>8}")
        limit = row.get("limit")
        cells.append(f"{human(limit['median']):>7} {limit['reached_percent']:>4.0f}%"
                     if limit else f"{'':13}")
        cells.append(f"{row['target']:>8}  {row['verdict']}")
        print("  ".join(cells).rstrip())


def print_bare(bare):
    if not bare:
        return
    width = max(len(name) for name in bare)
    print("\nwithout a library, in the same run:")
    for name, found in bare.items():
        print(f"{name:{width}}  {found['unit']:>6}  {human(found['median']):>9}"
              f" ±{found['spread_percent']:.0f}%")


def print_verdicts(table, libraries):
    judged = [row for row in table if row["verdict"]]
    if judged:
        missed = [row["workload"] for row in judged if row["verdict"] == "missed"]
        aims = sum(row["verdict"] == "aim met" for row in judged)
        print(f"\ntargets: {len(judged) - len(missed)} of {len(judged)} met, "
              f"{aims} of them with the aim" + "".join(f"\n  missed: {name}" for name in missed))
    for library in libraries[2:]:
        worse = [row["workload"] for row in table
                 if row["times_better"].get(library.name, 1) < 1]
        print(f"worse than {library.name}: {', '.join(worse) or 'nowhere'}")


def write_json(path, about, libraries, table, bare, failures):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        **about,
        "libraries": {x.name: {"file": str(x.file), "version": x.version} for x in libraries},
        "workloads": table, "bare": bare,
        "failures": [{"workload": w, "library": n, "why": why}
                     for (w, n), why in failures.items()]}, indent=1) + "\n")
