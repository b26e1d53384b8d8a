from elmo.system.backends import check

check()
