"""`elmo usages`: an index of every use of every word, searched and shown."""

from elmo.cli.command import Commands
from elmo.cli.commands.usages import build, like, show

COMMAND = Commands(
    "usages",
    "Index every use of every word of your texts; search and show them.",
    [module.COMMAND for module in (build, like, show)],
)
