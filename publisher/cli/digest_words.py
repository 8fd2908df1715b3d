"""What the digest's commands say, in words and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.cli.common import counted

if TYPE_CHECKING:
    from publisher.flows.deliver import Delivery, Progress
    from publisher.flows.digest import Drafted, Occasion
    from publisher.flows.issuing import Standing
    from publisher.flows.schedule import Passed
    from publisher.flows.send import Sent
    from publisher.model.delivery import DeliveryState
    from publisher.model.issue import Issue


def sent_lines(occasion: Occasion, sent: Sent, where: str) -> list[str]:
    """Tell what sending a digest now came to."""
    lines = [
        f"{each.issue.title}, issue {each.issue.number}, was unfinished: {_progress_line(each, where)}"
        for each in sent.unfinished.worked_on
    ]
    if sent.drafted is None:
        return [*lines, _nothing(occasion, sent)]
    made = sent.drafted
    lines.append(f"{issue_line(occasion.digest.title, made.number, made.entries, made.readers)}.")
    if sent.progress is not None:
        lines += _issue_lines(sent.progress, where)
    elif sent.delivery.elsewhere:
        lines.append("Another run is delivering from this store and takes these messages along.")
    return lines + _trouble_lines(sent.delivery, where)


def _nothing(occasion: Occasion, sent: Sent) -> str:
    title = occasion.digest.title
    if sent.outlook.plan.variants:
        return f"{title}: not sent."
    if not sent.outlook.plan.subscribed:
        return (
            f"{title}: nobody subscribes ({occasion.cadence}), nothing sent.\n"
            f"  publisher subscribers add ADDRESS --digest {occasion.digest.name}"
        )
    return f"{title}: nothing new, nothing sent."


def passed_lines(passed: Passed, where: str) -> list[str]:
    """Tell what a pass of the clock did; nothing is said where nothing was done."""
    if passed.elsewhere:
        return ["Another pass is under way."]
    lines = []
    for made in passed.made:
        line = issue_line(made.digest.title, made.drafted.number, made.drafted.entries, made.drafted.readers)
        held = f", held: {made.drafted.reason}" if made.drafted.reason else ""
        lines.append(f"{line}{held}.")
    return lines + delivery_lines(passed.delivery, where)


def delivery_lines(delivery: Delivery, where: str) -> list[str]:
    """Tell what was delivered."""
    lines = [f"{counted(delivery.letters, 'letter')} sent to {where}."] if delivery.letters else []
    for each in delivery.worked_on:
        head, *rest = _issue_lines(each, where)
        lines += [f"{each.issue.title}, issue {each.issue.number}: {head}", *rest]
    if delivery.elsewhere:
        lines.append("Another run is delivering from this store.")
    return lines + _trouble_lines(delivery, where)


def _trouble_lines(delivery: Delivery, where: str) -> list[str]:
    if not delivery.trouble:
        return []
    return [f"{where} could not take mail ({delivery.trouble}); what was due is put off and will be tried again."]


def _issue_lines(progress: Progress, where: str) -> list[str]:
    lines = [_progress_line(progress, where)]
    if progress.issue.state.value == "paused":
        name, number = progress.issue.digest, progress.issue.number
        lines.append(f"It is paused: {progress.issue.reason}\n  publisher digest resume {name} {number}, or cancel it")
    return lines


def drafted_line(occasion: Occasion, made: Drafted | None) -> str:
    """Tell what drafting came to."""
    if made is None:
        return f"{occasion.digest.title}: nothing new, nothing drafted."
    line = issue_line(occasion.digest.title, made.number, made.entries, made.readers)
    return f"{line}, held: {made.reason}."


def issue_line(title: str, number: int, entries: int, readers: int) -> str:
    """Tell what an issue holds, and for how many."""
    what, whom = counted(entries, "entry", "entries"), counted(readers, "reader")
    return f"{title}, issue {number}: {what} to {whom}"


def _progress_line(progress: Progress, where: str) -> str:
    return f"{_counts(progress.counts)} to {where}."


def _counts(found: dict[DeliveryState, int]) -> str:
    counts = {state.value: count for state, count in found.items()}
    sent = counted(counts.pop("sent", 0), "message")
    rest = "".join(f", {count} {state}" for state, count in sorted(counts.items()))
    return f"{sent} sent{rest}"


def standing_line(one: Standing) -> str:
    """Tell how an issue stands in one line."""
    issue = one.issue
    why = f" ({issue.reason})" if issue.reason else ""
    until = f" until {issue.release_at:%Y-%m-%d %H:%M} UTC" if issue.release_at else ""
    when = f"{issue.slot or issue.drafted:%Y-%m-%d %H:%M} UTC"
    state = f"{issue.state.value}{until}{why}{', private' if issue.private else ''}"
    return f"{issue.digest} {issue.number}  {issue.cadence}  {when}  {state}  {_counts(one.counts)}"


def private_line(issue: Issue, *, archived: bool) -> str:
    """Tell where an issue now may be read. ``archived``: its digest has an archive."""
    if issue.private:
        return f"{issue.title}, issue {issue.number} is private: no archive shows it."
    if not archived:
        return f"{issue.title}, issue {issue.number} is not private, but [digests.{issue.digest}] has archive = false."
    return f"{issue.title}, issue {issue.number} is not private: the archive shows it once it is going out."


# The same for programs


def sent_json(occasion: Occasion, sent: Sent, where: str) -> dict[str, Any]:
    """What sending a digest now came to."""
    made = sent.drafted
    return {
        "digest": occasion.digest.name,
        "cadence": occasion.cadence,
        "issue": made.number if made else None,
        "entries": made.entries if made else 0,
        "readers": made.readers if made else 0,
        "transport": where,
        "delivered": _deliveries(sent.delivery),
        "finished": _deliveries(sent.unfinished),
        "elsewhere": sent.delivery.elsewhere or sent.unfinished.elsewhere,
        "trouble": sent.delivery.trouble or sent.unfinished.trouble,
        "said": [str(problem) for problem in (*sent.outlook.said, *(made.said if made else ()))],
    }


def passed_json(passed: Passed, where: str) -> dict[str, Any]:
    """What a pass of the clock did."""
    return {
        "drafted": [
            {"digest": made.digest.name, "cadence": made.cadence, **drafted_json(made.drafted)} for made in passed.made
        ],
        "transport": where,
        "delivered": _deliveries(passed.delivery),
        "letters": passed.delivery.letters,
        "elsewhere": passed.elsewhere or passed.delivery.elsewhere,
        "trouble": passed.delivery.trouble,
        "said": [problem.as_dict() for problem in passed.said],
    }


def drafted_json(made: Drafted | None) -> dict[str, Any]:
    """What drafting came to."""
    if made is None:
        return {"issue": None, "entries": 0, "readers": 0, "held": ""}
    return {"issue": made.number, "entries": made.entries, "readers": made.readers, "held": made.reason}


def standing_json(one: Standing) -> dict[str, Any]:
    """How an issue stands."""
    issue = one.issue
    return {
        "digest": issue.digest,
        "issue": issue.number,
        "cadence": issue.cadence,
        "state": issue.state.value,
        "reason": issue.reason,
        "private": issue.private,
        "slot": issue.slot.isoformat() if issue.slot else None,
        "drafted": issue.drafted.isoformat(),
        "release_at": issue.release_at.isoformat() if issue.release_at else None,
        "deliveries": {state.value: count for state, count in one.counts.items()},
        "entries": list(one.entries),
        "said": [{"state": state.value, "words": words, "messages": rows} for state, words, rows in one.reasons],
    }


def _deliveries(delivery: Delivery) -> list[dict[str, Any]]:
    return [
        {
            "digest": each.issue.digest,
            "issue": each.issue.number,
            **{state.value: count for state, count in each.counts.items()},
        }
        for each in delivery.worked_on
    ]
