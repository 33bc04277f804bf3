"""The summary on the page: what was done and what came of it, for somebody who knows none of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vsfilmrestore.filters import FILTERS
from vsfilmrestore.render.report.comparison import COMPARED
from vsfilmrestore.render.report.facts import Content
from vsfilmrestore.render.report.markup import Markup, tag
from vsfilmrestore.render.report.words import brief, count, memory, per_cent, plural, span

__all__ = ["DONE", "summary_part"]

DONE: Final = {
    "remove_dropouts": "Lost lines of tape {are} filled in",
    "hide_head_switching": "Torn lines at the lower edge of a tape {are} covered",
    "deinterlace": "Whole frames {are} made of interlaced fields",
    "remove_dot_crawl": "Crawling dots and rainbows of composite video {are} taken out",
    "inverse_telecine": "Telecined video {is} brought back to the frames of the film",
    "fix_chroma": "Colour {is} brought back under the picture",
    "repair_frames": "Torn, blank and missing frames {are} rebuilt from their neighbours",
    "stabilize": "The picture {is} steadied",
    "deflicker": "Trembling brightness {is} evened out",
    "remove_stains": "Stains {are} removed",
    "remove_dirt": "Dirt {is} removed",
    "clean_cels": "Dust under drawings {is} removed",
    "remove_scratches": "Scratches {are} removed",
    "remove_wires": "Wires {are} removed",
    "fill": "Areas {are} painted anew by a network, which invents them",
    "denoise": "Noise and grain {are} reduced",
    "undo_generation_loss": "What copying from print to print cost {is} partly taken back",
    "deblur": "Softness {is} reduced",
    "apply_model": "A network that somebody named {is} run on the picture",
    "restore_faces": "Faces {are} made clearer",
    "upscale": "The picture {is} made larger",
    "calm_shimmer": "Detail that shimmers {is} calmed",
    "colorize": "Colour {is} added by a network, which invents it",
    "correct_fade": "Faded colours {are} brought back",
    "interpolate": "New frames {are} made in between",
    "regrain": "Grain {is} given back",
}
"""What each step does, in words anybody knows."""

_ARE: Final = {True: {"is": "was", "are": "were"}, False: {"is": "is to be", "are": "are to be"}}


def summary_part(content: Content) -> Markup:
    """The section."""
    facts = content.facts
    return tag(
        "section",
        {"id": "summary"},
        tag("h2", {}, "Summary"),
        tag("p", {"class": "summary"}, " ".join(_sentences(facts, float(content.plan.cut.rate)))),
        tag("div", {"class": "sides"}, _done(facts), _compared(facts)),
        tag(
            "dl",
            {"class": "figures"},
            [tag("div", {}, tag("dt", {}, name), tag("dd", {}, value)) for name, value in _figures(content)],
        ),
        tag("p", {"class": "notes"}, content.told.notes) if content.told.notes else None,
    )


def _sentences(facts: Mapping[str, Any], rate: float) -> list[str]:
    totals, rendered = facts["totals"], facts["rendered"]
    said = [f"{plural(totals['shots'], 'shot')}, {span(facts['frames'] / rate)} in all: {_treated(facts)}."]
    if rendered is None:
        return [*said, "Nothing is rendered yet: this is what was found, and what is proposed."]
    back = sum(total["rejected"] for total in totals["repairs"].values())
    if back:
        said.append(f"{plural(back, 'repair')} {'was' if back == 1 else 'were'} taken back by hand.")
    if rendered["left"]:
        said.append(f"Of the latest render {plural(rendered['left'], 'frame')} are not made yet.")
    return [*said, facts["digital_source_type"]["sentence"]] if totals["treated"] else said


def _treated(facts: Mapping[str, Any]) -> str:
    shots, treated = facts["totals"]["shots"], facts["totals"]["treated"]
    done = "treated" if facts["rendered"] else "to be treated"
    if not treated:
        if not _assessed(facts):
            return "nothing was asked for"
        if facts["compared"]:
            return "nothing was done. What was found is told below, and with each shot why it was left"
        return "nothing was found that calls for a treatment"
    if treated == shots:
        return f"all {done}" if shots > 1 else done
    return f"{count(treated)} {done}, {count(shots - treated)} left as they are"


def _assessed(facts: Mapping[str, Any]) -> bool:
    return any(shot.get("measured") for shot in facts["shots"])


def _done(facts: Mapping[str, Any]) -> Markup | None:
    """What was done, step by step, in the order of doing."""
    shots: dict[str, int] = {}
    for shot in facts["shots"]:
        steps = {step["step"] for part in shot["treatment"] for step in part["steps"] if _dosed(step)}
        for name in steps if shot["source"] is not None else ():
            shots[name] = shots.get(name, 0) + 1
    if not shots:
        return None
    made = facts["rendered"] is not None
    items = [_item(name, facts, shots[name], made) for name in sorted(shots, key=lambda name: FILTERS[name].order)]
    head = "What was done" if made else "What is proposed"
    glance = tag("a", {"id": "glance", "class": "glance screen", "href": "#frames"})  # filled in by the page's script
    return tag("div", {}, tag("h3", {}, head), tag("ul", {"class": "done"}, items), glance if made else None)


def _dosed(step: Mapping[str, Any]) -> bool:
    return bool(step["parameters"].get("strength", 1))


def _item(name: str, facts: Mapping[str, Any], shots: int, made: bool) -> Markup:
    told = DONE.get(name, name).format(**_ARE[made])
    of = "" if facts["totals"]["shots"] == 1 else f" in {plural(shots, 'shot')}"
    repairs = facts["totals"]["repairs"].get(name) if made else None
    if repairs is not None:
        places = f"{plural(repairs['made'], 'place')} in {plural(repairs['frames'], 'frame')}"
        of = f": {places}" if repairs["made"] else ": none was found"
    return tag("li", {}, told, of, " ", tag("small", {}, name))


def _compared(facts: Mapping[str, Any]) -> Markup | None:
    """What was measured on both sides, as a table."""
    found = facts["compared"]
    rows = [(each, found[each.key]) for each in COMPARED if each.key in found]
    if not rows:
        return None
    after = any(pair["after"] is not None for _, pair in rows)
    words = ["", "before", "after"] if after else ["", "found"]
    head = tag("tr", {}, [tag("th", {"scope": "col"}, word) for word in words])
    body = [
        tag(
            "tr",
            {},
            tag("th", {"scope": "row"}, each.label, tag("small", {}, each.explained)),
            tag("td", {}, _value(pair["before"], each.unit)),
            tag("td", {"class": "after"}, _value(pair["after"], each.unit)) if after else None,
        )
        for each, pair in rows
    ]
    return tag(
        "div",
        {},
        tag("h3", {}, "Measured"),
        tag("table", {"class": "measures"}, tag("thead", {}, head), tag("tbody", {}, body)),
        tag("p", {"class": "note"}, _of_which(facts, after)),
    )


def _value(value: float | None, unit: str) -> list[Markup | str]:
    return [brief(value), " ", tag("small", {}, unit)] if value is not None and unit else [brief(value)]


def _of_which(facts: Mapping[str, Any], after: bool) -> str:
    told = facts["compared_shots"]
    if not after:
        rendered = facts["rendered"] and facts["totals"]["treated"]
        return "The result was not measured; report --measure does it." if rendered else ""
    if told["measured"] == told["treated"]:
        alone = facts["totals"]["shots"] > told["treated"]
        return f"Source and result were measured in the same way{', in the shots that were treated' if alone else ''}."
    return (
        f"Told by {told['measured']} of {told['treated']} treated shots, spread over the film; "
        "report --measure measures all."
    )


def _figures(content: Content) -> list[tuple[str, str]]:
    facts, totals = content.facts, content.facts["totals"]
    found = [("Shots", count(totals["shots"])), ("Frames", count(facts["frames"]))]
    if facts["rendered"] is None:
        return found
    if totals["modified_frames"]:
        share = totals["modified_frames"] / max(1, facts["output"]["frames"])
        found.append(("Frames with repairs", f"{count(totals['modified_frames'])} ({per_cent(share)})"))
        found.append(("Area repaired", f"{per_cent(totals['mean_share'])} of the picture"))
    flicker = totals["flicker"]
    if not _assessed(facts) and None not in flicker.values():
        found.append(("Flicker", f"{flicker['before']:.2f} → {flicker['after']:.2f} %"))
    spent = sum(shot["seconds"] for shot in facts["shots"])
    found.append(("Computing time", span(spent)))
    return [*found, ("Memory used", memory(totals["memory"]))] if totals["memory"] else found
