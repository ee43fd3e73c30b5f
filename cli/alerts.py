"""`leadline alerts`: what there is to tell, sent or only shown."""

from cli import terminal
from pipeline.alerting import NOT_CONFIGURED, news, outbox_of
from pipeline.settings import Settings
from warehouse.home import Home


def show_alerts(dry_run: bool) -> None:
    """Send what was not told yet, or with `dry_run` only show it."""
    settings = Settings()
    console = terminal.console()
    outbox = outbox_of(settings)
    if outbox is None:
        console.print(f"{NOT_CONFIGURED} It takes an apprise address, such as mailto://… or slack://…", highlight=False)
    events = news(Home(settings.home))
    waiting = outbox.pending(events) if outbox else events
    for event in waiting:
        console.say((event.title, "bold"), f"\n{event.text}\n")
    if not waiting:
        console.print("Nothing new to tell.")
    elif dry_run or outbox is None:
        console.print(f"{len(waiting)} to tell; nothing was sent.", highlight=False)
    else:
        sent = outbox.send(events)
        console.say("Sent.") if sent.arrived else console.say(("Not delivered", "red"), "; the next run tries again.")
