"""`elmo usages`: an index of every use of every word, searched and shown."""

from elmo.cli.command import Commands
from elmo.cli.commands.usages import build, change, export, judge, like, senses, show

COMMAND = Commands(
    "usages",
    "Index every use of every word of your texts; search and compare them.",
    [module.COMMAND for module in (build, like, show, senses, change, export, judge)],
)
