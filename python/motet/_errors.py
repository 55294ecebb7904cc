"""What Motet throws. The text names rank, peer, transport and call."""


class Error(Exception):
    """Any failure of Motet; one subclass for each status of motet.h."""


class InvalidArgument(Error, ValueError):
    """A call that makes no sense, or that differs from the other ranks'."""


class Unavailable(Error):
    """Something that is needed is not there."""


class Timeout(Error, TimeoutError):
    """A deadline has passed: of the set-up or of a call."""


class PeerLost(Error):
    """A rank is gone: it died, exited or cannot be reached any more."""


class Aborted(Error):
    """abort() or an interruption, here or on another rank, or closed while under way."""


class SystemError(Error):  # the status is called so
    """The operating system refused."""


for _error in (Error, InvalidArgument, Unavailable, Timeout, PeerLost, Aborted, SystemError):
    _error.__module__ = "motet"
