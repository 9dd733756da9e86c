# SPDX-License-Identifier: LGPL-2.1-or-later
"""Floods whoever watches files, until it is killed: flood.py write TEXT FILE... | flood.py move DIRECTORY NAME...

write: writes the text to the files in turn. move: makes a directory and gives it these names in turn. For who watches, that is
a directory removed and one made, as by mkdir and rmdir, which take several times as long here.
"""

import itertools
import os
import sys


def main():
    what, where, *names = sys.argv[1:]
    if what == "write":
        text = where.encode()
        for fd in itertools.cycle([os.open(name, os.O_WRONLY) for name in names]):
            os.pwrite(fd, text, 0)
    else:
        os.chdir(where)
        os.mkdir(names[-1])
        for before, name in itertools.pairwise(itertools.cycle([names[-1], *names[:-1]])):
            os.rename(before, name)


main()
