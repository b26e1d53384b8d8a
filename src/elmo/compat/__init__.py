from elmo.backends import check

check()
