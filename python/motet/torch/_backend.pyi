from datetime import timedelta

import torch
from torch._C._distributed_c10d import Backend as _Backend
from torch._C._distributed_c10d import Store

class Options(_Backend.Options):
    def __init__(self, name: str = "motet", timeout: timedelta = ...) -> None: ...

class Backend(_Backend):
    def perform_nocolor_split(self, device: torch.device) -> None: ...

def create(store: Store, group: str, rank: int, size: int, options: Options) -> Backend: ...
