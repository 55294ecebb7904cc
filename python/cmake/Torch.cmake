# Asks the interpreter for its PyTorch. find_package(Torch) would demand CUDA where PyTorch was built with it. Sets
#   TORCH_VERSION         "" where there is none, or MOTET_TORCH is OFF
#   TORCH_INCLUDE_DIRS, TORCH_LIBRARY_DIR
#   TORCH_CXX11_ABI       0 or 1, for _GLIBCXX_USE_CXX11_ABI
# pip hides site-packages from an isolated build by PYTHONPATH, which -I ignores.
option(MOTET_TORCH "Build motet.torch where the interpreter has PyTorch" ON)
set(TORCH_VERSION "")
if(NOT MOTET_TORCH)
  return()
endif()

set(ask_torch [=[
import torch
from torch.utils.cpp_extension import include_paths
print(torch.__version__, int(torch.compiled_with_cxx11_abi()), torch.__path__[0], *include_paths(), sep=";", end="")
]=])
execute_process(COMMAND ${Python_EXECUTABLE} -I -c "${ask_torch}" OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  message(STATUS "No PyTorch for ${Python_EXECUTABLE}: motet.torch is left out")
  return()
endif()
list(POP_FRONT answer TORCH_VERSION TORCH_CXX11_ABI TORCH_LIBRARY_DIR)
set(TORCH_INCLUDE_DIRS ${answer})
cmake_path(APPEND TORCH_LIBRARY_DIR lib)
message(STATUS "PyTorch ${TORCH_VERSION}: ${TORCH_LIBRARY_DIR}")
