# Asks the interpreter for its PyTorch. find_package(Torch) would demand CUDA where PyTorch was built with it. Sets
#   TORCH_VERSION         "" where there is none, or MOTET_TORCH is OFF
#   TORCH_INCLUDE_DIRS, TORCH_LIBRARY_DIR
#   TORCH_CXX11_ABI       0 or 1, for _GLIBCXX_USE_CXX11_ABI
# pip hides site-packages from an isolated build by PYTHONPATH, which -I ignores. Others (uv) build with an interpreter of
# their own, and have to be told whose PyTorch is meant.
option(MOTET_TORCH "Build motet.torch where the interpreter has PyTorch" ON)
set(MOTET_TORCH_PYTHON "" CACHE FILEPATH "The interpreter that has PyTorch; default: the one that builds")
set(TORCH_VERSION "")
if(NOT MOTET_TORCH)
  return()
endif()
set(torch_python ${Python_EXECUTABLE})
if(MOTET_TORCH_PYTHON)
  set(torch_python ${MOTET_TORCH_PYTHON})
endif()

# Importing it takes seconds, so that is done once for each that is found.
set(find_torch [=[
import importlib.metadata, importlib.util, os
print(os.path.dirname(importlib.util.find_spec("torch").origin), importlib.metadata.version("torch"), sep=";", end="")
]=])
set(ask_torch [=[
import torch
from torch.utils.cpp_extension import include_paths
print(torch.__version__, int(torch.compiled_with_cxx11_abi()), torch.__path__[0], *include_paths(), sep=";", end="")
]=])
execute_process(COMMAND ${torch_python} -I -c "${find_torch}" OUTPUT_VARIABLE found ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  message(STATUS "No PyTorch for ${torch_python}: motet.torch is left out")
  return()
endif()
if(NOT found STREQUAL MOTET_TORCH_FOUND)
  execute_process(COMMAND ${torch_python} -I -c "${ask_torch}" OUTPUT_VARIABLE answer ERROR_VARIABLE why
                  RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "PyTorch is installed and cannot be imported (MOTET_TORCH=OFF leaves it alone): ${why}")
  endif()
  set(MOTET_TORCH_FOUND ${found} CACHE INTERNAL "Folder and version of the PyTorch that was asked")
  set(MOTET_TORCH_ANSWER ${answer} CACHE INTERNAL "What it said")
endif()
set(TORCH_INCLUDE_DIRS ${MOTET_TORCH_ANSWER})
list(POP_FRONT TORCH_INCLUDE_DIRS TORCH_VERSION TORCH_CXX11_ABI TORCH_LIBRARY_DIR)
cmake_path(APPEND TORCH_LIBRARY_DIR lib)
message(STATUS "PyTorch ${TORCH_VERSION}: ${TORCH_LIBRARY_DIR}")
