"""Starts a program as web servers and systemd do: with sockets at agreed descriptors.

    spawn.py [--close N]... [--systemd NAMES] [FD=N]... -- PROGRAM ARGUMENT...

FD=N     the program gets our descriptor FD as N
--close  the program starts with descriptor N closed, as FastCGI 2.2 has it for 1 and 2
--systemd sets LISTEN_PID, LISTEN_FDS (as many as there are FD=N) and LISTEN_FDNAMES
"""
import fcntl
import os
import sys


def main():
    split = sys.argv.index('--')
    argv, program = sys.argv[1:split], sys.argv[split + 1:]
    closed, moves, names = [], [], None
    while argv:
        word = argv.pop(0)
        if word == '--close':
            closed.append(int(argv.pop(0)))
        elif word == '--systemd':
            names = argv.pop(0)
        else:
            moves.append(tuple(int(number) for number in word.split('=')))
    if names is not None:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(moves)),
                          LISTEN_FDNAMES=names)
    high = [(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100), number) for fd, number in moves]
    for fd, number in high:
        os.dup2(fd, number)
    for number in closed:
        os.close(number)
    os.execv(program[0], program)


main()
